"""Folders as public data sets and people have them: each is read, or one line says what to do."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ganad_tf.cli.main import cli
from ganad_tf.config import DataConfig
from ganad_tf.data.folder import load_folder
from ganad_tf.data.listing import NORMAL, Listing
from ganad_tf.data.place import list_pictures
from ganad_tf.errors import UserError
from tests.support.parts import save_part


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def rows(root: Path, listing: Listing) -> dict[str, tuple[str, str, str | None]]:
    """Return kind, split and mask of each picture by its name."""
    return {
        picture.name: (
            picture.kind,
            picture.split,
            None if picture.mask is None else os.path.relpath(str(picture.mask), root),
        )
        for picture in listing.pictures
    }


@pytest.mark.parametrize("name", ["normal", "good", "Good", "OK", "ok", "NORMAL"])
def test_folders_of_good_parts_have_any_of_the_usual_names(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"{name}/a.png", "bad/a.png")
    touch(tmp_path / "split", f"train/{name}/a.png", f"test/{name}/b.png", "test/NG/c.png")
    listing = list_pictures(tmp_path)
    assert rows(tmp_path, listing) == {
        f"{name}/a.png": (NORMAL, "", None),
        "bad/a.png": ("bad", "", None),
        "split/test/NG/c.png": ("split", "", None),
        f"split/test/{name}/b.png": ("split", "", None),
        f"split/train/{name}/a.png": ("split", "", None),
    }
    listing = list_pictures(tmp_path / "split")
    assert rows(tmp_path, listing) == {
        f"train/{name}/a.png": (NORMAL, "train", None),
        f"test/{name}/b.png": (NORMAL, "test", None),
        "test/NG/c.png": ("NG", "", None),
    }


def test_mvtec_ad_2(tmp_path: Path) -> None:
    touch(tmp_path, "train/good/000.png", "validation/good/000.png", "test_public/good/000.png")
    touch(tmp_path, "test_public/bad/000.png", "test_public/ground_truth/bad/000_mask.png")
    touch(tmp_path, "test_private/000.png", "test_private/001.png", "test_private_mixed/000.png")
    listing = list_pictures(tmp_path)
    assert rows(tmp_path, listing) == {
        "train/good/000.png": (NORMAL, "train", None),
        "validation/good/000.png": (NORMAL, "train", None),
        "test_public/good/000.png": (NORMAL, "test", None),
        "test_public/bad/000.png": ("bad", "", "test_public/ground_truth/bad/000_mask.png"),
    }
    assert listing.unread == {"test_private/*.png": 2, "test_private_mixed/000.png": 1}


def test_btad(tmp_path: Path) -> None:
    touch(tmp_path, "train/ok/0000.bmp", "test/ok/0010.bmp", "test/ko/0000.bmp")
    touch(tmp_path, "ground_truth/ko/0000.png")
    listing = list_pictures(tmp_path)
    assert rows(tmp_path, listing) == {
        "train/ok/0000.bmp": (NORMAL, "train", None),
        "test/ok/0010.bmp": (NORMAL, "test", None),
        "test/ko/0000.bmp": ("ko", "", "ground_truth/ko/0000.png"),
    }
    assert not listing.unread


def test_visa_with_its_split(tmp_path: Path) -> None:
    candle = tmp_path / "VisA" / "candle"
    touch(candle, *(f"Data/Images/Normal/{n:04}.JPG" for n in range(3)))
    touch(candle, "Data/Images/Anomaly/000.JPG", "Data/Masks/Anomaly/000.png", "image_anno.csv")
    (tmp_path / "VisA" / "split_csv").mkdir()
    lines = ["object,split,label,image,mask"]
    for number, split in enumerate(("train", "test", "train")):
        lines.append(f"candle,{split},normal,candle/Data/Images/Normal/{number:04}.JPG,")
    mask = "candle/Data/Masks/Anomaly/000.png"
    lines.append(f"candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,{mask}")
    (tmp_path / "VisA" / "split_csv" / "1cls.csv").write_text("\n".join(lines))
    listing = list_pictures(candle)
    assert rows(candle, listing) == {
        "Data/Images/Normal/0000.JPG": (NORMAL, "train", None),
        "Data/Images/Normal/0001.JPG": (NORMAL, "test", None),
        "Data/Images/Normal/0002.JPG": (NORMAL, "train", None),
        "Data/Images/Anomaly/000.JPG": ("Anomaly", "", "Data/Masks/Anomaly/000.png"),
    }
    assert listing.unread == {"image_anno.csv": 1}
    with pytest.raises(UserError, match=r"holds a data set in each of candle: give --data-dir"):
        list_pictures(tmp_path / "VisA")


def test_kolektor_sdd(tmp_path: Path) -> None:
    """All pictures have a mask; those whose mask marks something are defective."""
    rng = np.random.default_rng(0)
    for part, view in ((1, 0), (1, 1), (2, 0), (2, 1)):
        folder = tmp_path / f"kos{part:02}"
        folder.mkdir(exist_ok=True)
        save_part(folder / f"Part{view}.jpg", "normal", 32, rng)
        mask = np.zeros((32, 32), np.uint8)
        mask[3:6, :10] = 255 * (part == 2 and view == 1)
        Image.fromarray(mask).save(folder / f"Part{view}_label.bmp")
    listing = list_pictures(tmp_path)
    assert rows(tmp_path, listing) == {
        "kos01/Part0.jpg": (NORMAL, "", None),
        "kos01/Part1.jpg": (NORMAL, "", None),
        "kos02/Part0.jpg": (NORMAL, "", None),
        "kos02/Part1.jpg": ("defect", "", "kos02/Part1_label.bmp"),
    }
    assert [picture.group for picture in listing.pictures] == ["kos01", "kos01", "kos02", "kos02"]
    data = load_folder(DataConfig("folder", str(tmp_path), size=32))
    assert data.masks is not None
    assert data.masks[3].sum() == 30
    assert data.groups.tolist() == [0, 0, 1, 1]
    out = ["--out", str(tmp_path.parent / f"{tmp_path.name}-out")]
    result = CliRunner().invoke(cli, ["data", "check", str(tmp_path), *out])
    assert "2, by folder" in result.output


def test_kolektor_sdd_2(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("train/1", 0), ("train/2", 255), ("test/3", 0), ("test/4", 255)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save_part(tmp_path / f"{name}.png", "normal", 16, rng)
        Image.new("L", (16, 16), level).save(tmp_path / f"{name}_GT.png")
    assert rows(tmp_path, list_pictures(tmp_path)) == {
        "test/3.png": (NORMAL, "test", None),
        "test/4.png": ("defect", "test", "test/4_GT.png"),
        "train/1.png": (NORMAL, "train", None),
        "train/2.png": ("defect", "train", "train/2_GT.png"),
    }


def test_names_of_field_report_5(tmp_path: Path) -> None:
    touch(tmp_path / "a", *(f"train/normal/{n}.png" for n in range(3)))
    touch(tmp_path / "a", "test/normal/0.png", "test/abnormal/0.png")
    kinds = [(p.kind, p.split) for p in list_pictures(tmp_path / "a").pictures]
    assert kinds == [(NORMAL, "train")] * 3 + [("abnormal", ""), (NORMAL, "test")]
    touch(tmp_path / "b", "normal/0.png", "scratch/0.png")
    (tmp_path / "b" / "train").mkdir()
    assert [p.kind for p in list_pictures(tmp_path / "b").pictures] == [NORMAL, "scratch"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("bottle/train/good/0.png", "cable/train/good/0.png", "cable/test/cut/0.png"),
            "holds a data set in each of bottle, cable: give --data-dir one of them, such as .*/b",
        ),
        (
            ("train/0.png", "train/1.png", "test/bad/0.png"),
            r"nothing says .* normal \(1 in test/bad, 2 in train\): put those .*/train/norm",
        ),
        (
            ("0.png", "1.png", "via_project.csv"),
            r"nothing says .* normal \(2 in the folder itself; not read: via_project\.csv\)",
        ),
        (("images/0.png", "Data/x/0.png"), "nothing says which of them are normal"),
    ],
)
def test_what_cannot_be_read_ends_in_one_line(
    tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    touch(tmp_path / "parts", *names)
    result = CliRunner().invoke(
        cli, ["data", "check", str(tmp_path / "parts"), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 2
    assert re.search(message, result.output), result.output
    assert len(result.output.splitlines()) == 1


def test_a_list_in_a_flat_folder_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "0.png", "1.png")
    (tmp_path / "labels.csv").write_text("path,label\n0.png,ok\n1.png,bad\n")
    with pytest.raises(UserError, match=r"holds a list of pictures: give --data-dir .*labels\.csv"):
        list_pictures(tmp_path)


def test_splits_are_kept_where_train_has_defects_too(tmp_path: Path) -> None:
    for split in ("train", "val"):
        touch(tmp_path, f"{split}/good/0.png", f"{split}/scratch/0.png")
    touch(tmp_path, "masks/scratch/0.png")
    assert rows(tmp_path, list_pictures(tmp_path)) == {
        "train/good/0.png": (NORMAL, "train", None),
        "train/scratch/0.png": ("scratch", "train", "masks/scratch/0.png"),
        "val/good/0.png": (NORMAL, "test", None),
        "val/scratch/0.png": ("scratch", "test", None),
    }


def test_what_is_not_used_is_named_in_the_log(
    part_folder: Path, log: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(0)
    for name in ("images/x.png", "images/y.png", "masks/scratch/nobody.png"):
        (part_folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_part(part_folder / name, "normal", 32, rng)
    (part_folder / "notes.txt").touch()
    assert len(load_folder(DataConfig("folder", str(part_folder), size=16))) == 34
    assert "not used: images/*.png (2), masks/scratch/nobody.png, notes.txt" in log.text


def test_links_out_of_the_folder_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.png", "parts/dent/b.png")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path)
    (tmp_path / "parts" / "normal").symlink_to(tmp_path / "elsewhere")
    names = [picture.name for picture in list_pictures(tmp_path / "parts").pictures]
    assert names == ["dent/b.png", "normal/a.png"]
