"""The check of pictures names what is wrong with them, and stops at nothing."""

import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from scipy.ndimage import gaussian_filter

from ganad_tf.cli.main import cli
from ganad_tf.config import make_config
from ganad_tf.data.sources import load_splits
from tests.support.parts import count_decodings, save_part, write_marked_parts


def check(place: Path, out: Path) -> tuple[Result, dict]:
    result = CliRunner().invoke(cli, ["data", "check", str(place), "--out", str(out)])
    path = out / "check.json"
    return result, json.loads(path.read_text()) if path.exists() else {}


def texture(rng: np.random.Generator, height: int = 40, width: int = 50) -> np.ndarray:
    smooth = gaussian_filter(rng.normal(size=(height, width)), 3)
    return 120 + 30 * smooth / smooth.std()


def save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)


def test_what_is_counted(part_folder: Path, tmp_path: Path) -> None:
    sizes = [Image.open(path).size for path in part_folder.glob("*/*")]
    result, found = check(part_folder, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert {name: kind["count"] for name, kind in found["kinds"].items()} == {
        "normal": 20,
        "scratch": 8,
        "stain": 6,
    }
    assert next(iter(found["kinds"])) == "normal"
    assert found["heights"] == [
        min(h for _, h in sizes), int(np.median([h for _, h in sizes])), max(h for _, h in sizes)
    ]  # fmt: skip
    assert found["color"] == 0
    assert found["unreadable"] == found["mask_problems"] == found["left_out"] == {}
    assert Image.open(tmp_path / "out" / "pictures.png").width > 500
    assert "ganad-tf train --config" in result.output


def test_the_proposed_configuration_loads_what_was_checked(
    part_folder: Path, tmp_path: Path
) -> None:
    check(part_folder, tmp_path / "out")
    layer = tomllib.loads((tmp_path / "out" / "config.toml").read_text())
    splits = load_splits(make_config(layer).data, 0)
    assert sum(len(split.data) for _, split in splits.items()) == 34
    assert splits.train.data.images.shape[1] == 64


@pytest.fixture
def hostile_folder(part_folder: Path) -> Path:
    """Parts, and all else that a folder on the disk of a factory may hold."""
    jpeg = (part_folder / "stain" / "part 1.jpg").read_bytes()
    (part_folder / "scratch" / "torn.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (part_folder / "scratch" / "empty.png").touch()
    (part_folder / "scratch" / "text.png").write_text("no picture")
    rng = np.random.default_rng(1)
    deep = rng.integers(0, 65536, (40, 40)).astype(np.uint16)
    Image.fromarray(deep).save(part_folder / "normal" / "16 bit.tiff")
    frames = [Image.new("L", (40, 40), level) for level in (0, 200)]
    frames[0].save(part_folder / "normal" / "moving.gif", save_all=True, append_images=frames[1:])
    Image.new("L", (3, 2), 128).save(part_folder / "normal" / "tiny.png")
    save_part(part_folder / "normal" / "ein Teil ß 漢字.png", "normal", 40, rng)
    (part_folder / "stain" / "loop").symlink_to(part_folder)
    (part_folder / "notes").touch()
    return part_folder


def test_a_hostile_folder_is_reported_to_its_end(
    hostile_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may list everything, so the refusal of the system is put in its place."""
    real = os.scandir
    locked = hostile_folder / "dent"
    locked.mkdir()

    def scandir(path):
        if str(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    result, found = check(hostile_folder, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert set(found["unreadable"]) == {
        f"scratch/{n}" for n in ("torn.jpg", "empty.png", "text.png")
    }
    assert found["unlistable"] == [str(locked)]
    assert found["left_out"] == {"normal/moving.gif": 1, "notes": 1}
    assert found["kinds"]["normal"]["count"] == 23
    assert found["heights"][0] == 2
    assert "scratch/empty.png" in result.output
    assert f"{locked}: cannot be listed" in result.output
    assert any(text.startswith("3 pictures cannot be read") for text in found["warnings"])
    assert any("normal/moving.gif" in text for text in found["warnings"])


def test_masks_are_measured_and_checked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        save(texture(rng), tmp_path / "parts" / "normal" / f"{number}.png")
        save(texture(rng), tmp_path / "parts" / "dent" / f"{number}.png")
    mask = np.zeros((40, 50))
    mask[:2, :5] = 255
    masks = tmp_path / "parts" / "masks"
    save(mask, masks / "dent" / "0.png")
    save(np.zeros((40, 50)), masks / "dent" / "1.png")
    save(np.zeros((50, 40)), masks / "dent" / "2.png")
    (masks / "dent" / "3.png").write_text("no picture")
    save(mask, masks / "normal" / "0.png")
    _, found = check(tmp_path / "parts", tmp_path / "out")
    assert found["kinds"]["dent"]["masks"] == 1
    assert found["kinds"]["dent"]["median_defect_share"] == pytest.approx(10 / 2000)
    problems = found["mask_problems"]
    assert problems["dent/1.png"] == "marks nothing"
    assert problems["dent/2.png"] == "has 50 x 40 pixels, the picture 40 x 50"
    assert "cannot be read" in problems["dent/3.png"]
    assert problems["normal/0.png"] == "marks a defect of a normal part"
    assert any("dent: half of the defects cover less than 2%" in w for w in found["warnings"])
    config = make_config(tomllib.loads((tmp_path / "out" / "config.toml").read_text()))
    assert (config.data.size, config.data.tile) == (128, 64)


def exposed(root: Path, folders: dict[str, list[int]], seed: int = 0) -> None:
    """Write pictures of parts, three exposures each: the numbers of the parts, by folder."""
    for folder, numbers in folders.items():
        for number in numbers:
            part = texture(np.random.default_rng([seed, number]))
            for exposure, gain in enumerate((0.8, 1.0, 1.2)):
                save(part * gain, root / folder / f"{number:02}-{exposure}.png")


def test_parts_that_several_pictures_show_are_to_be_kept_together(tmp_path: Path) -> None:
    exposed(tmp_path / "parts", {"normal": list(range(12)), "dent": list(range(12, 18))})
    _, found = check(tmp_path / "parts", tmp_path / "out")
    assert found["parts"] == {
        "grouped_by": "near-duplicates",
        "count": 18,
        "largest": 3,
        "shared": 54,
        "across_splits": [],
    }
    assert found["proposal"]["data"]["group_by"] == "near-duplicates"
    assert any(text.startswith("54 pictures show the same part") for text in found["warnings"])


def test_parts_in_both_train_and_test_are_named(tmp_path: Path) -> None:
    exposed(
        tmp_path / "parts",
        {"train/good": list(range(12)), "test/good": [3, 20, 21], "test/dent": [30, 31, 32]},
    )
    _, found = check(tmp_path / "parts", tmp_path / "out")
    assert found["parts"]["across_splits"] == [["train/good/03-0.png", "test/good/03-0.png"]]
    assert found["kinds"]["normal"]["train"] == 36
    assert any("1 parts seem to be both in train and in test" in w for w in found["warnings"])


def test_parts_that_all_look_the_same_are_not_grouped(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    part = texture(rng)
    for kind, count in (("normal", 20), ("dent", 5)):
        for number in range(count):
            save(part + rng.normal(0, 2, part.shape), tmp_path / "parts" / kind / f"{number}.png")
    _, found = check(tmp_path / "parts", tmp_path / "out")
    assert "group_by" not in found["proposal"]["data"]
    assert any("too similar to tell parts apart" in text for text in found["warnings"])


def test_light_that_differs_is_noticed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(30):
        save(texture(rng) + number, tmp_path / "parts" / "normal" / f"{number:02}.png")
        save(texture(rng) + 90, tmp_path / "parts" / "dent" / f"{number:02}.png")
    _, found = check(tmp_path / "parts", tmp_path / "out")
    assert found["drift"] > 0.5
    assert found["kinds"]["dent"]["brightness_auroc"] == 1
    assert any("normal pictures get brighter" in text for text in found["warnings"])
    assert any(
        text.startswith("dent: mean brightness alone separates them") for text in found["warnings"]
    )


def test_kinds_that_are_few_or_uneven_or_missing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for kind, count in (("dent", 25), ("burr", 2)):
        for number in range(count):
            save(texture(rng), tmp_path / "parts" / kind / f"{number}.png")
    _, found = check(tmp_path / "parts", tmp_path / "out")
    text = "\n".join(found["warnings"])
    assert "there are no normal pictures" in text
    assert found["worse_mirrored"] is None
    assert "burr: fewer than 3 pictures" in text
    assert "the kinds have 2 to 25 pictures" in text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.touch, "is not a folder"),
        (Path.mkdir, "has no pictures: put those of good parts into"),
        (lambda root: (root / "normal").mkdir(parents=True), "has no pictures"),
    ],
)
def test_nothing_to_check(tmp_path: Path, make, message: str) -> None:
    make(tmp_path / "parts")
    result, found = check(tmp_path / "parts", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output
    assert not found


def test_pictures_that_all_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "parts" / "normal").mkdir(parents=True)
    (tmp_path / "parts" / "normal" / "a.png").touch()
    result, found = check(tmp_path / "parts", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert found["parts"] is None
    assert list(found["unreadable"]) == ["normal/a.png"]


def write_list(root: Path, rows: list[str]) -> Path:
    path = root / "list.csv"
    path.write_text("\n".join(("path,label,split,group", *rows)))
    return path


def test_the_groups_of_a_list_across_train_and_test_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for part in range(12):
        for view, split in (("front", "train"), ("back", "test")):
            save(texture(rng), tmp_path / "parts" / f"{part}-{view}.png")
            rows.append(f"{part}-{view}.png,{'bad' if part > 8 else 'ok'},{split},part {part}")
    _, found = check(write_list(tmp_path / "parts", rows), tmp_path / "out")
    assert found["parts"]["count"] == len(found["parts"]["across_splits"]) == 12
    assert any("12 parts are both in train and in test" in text for text in found["warnings"])


def test_a_list_groups_pictures_of_parts_that_look_the_same(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    part, rows = texture(rng), []
    for number in range(54):
        noisy = part + rng.normal(0, 2, part.shape)
        save(noisy, tmp_path / "parts" / f"{number}.png")
        rows.append(f"{number}.png,{'bad' if number >= 36 else 'ok'},,part {number // 3}")
    result, found = check(write_list(tmp_path / "parts", rows), tmp_path / "out")
    assert found["parts"] == {
        "grouped_by": "list",
        "count": 18,
        "largest": 3,
        "shared": 54,
        "across_splits": [],
    }
    assert "18, by the groups of the list" in result.output
    assert "group_by" not in found["proposal"]["data"]
    assert not any("part" in text for text in found["warnings"])


def test_each_picture_and_each_mask_is_decoded_once(tmp_path: Path) -> None:
    write_marked_parts(tmp_path / "parts", 32)
    with count_decodings() as decoded:
        result, found = check(tmp_path / "parts", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert found["kinds"]["stain"]["masks"] == 20
    assert (tmp_path / "out" / "pictures.png").exists()
    assert len(decoded) == 40 + 20 + 20


def test_the_report_does_not_become_data(part_folder: Path) -> None:
    result, found = check(part_folder, part_folder / "data-check")
    assert result.exit_code == 2
    assert "lies in the folder that is checked" in result.output
    assert not found


def test_names_that_are_hard_to_print(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    root = tmp_path / "parts"
    kind = os.fsdecode(b"$_$ \xff\xfe")
    for number in range(3):
        save(texture(rng), root / "normal" / f"$_$\n{number}.png")
        save(texture(rng), root / kind / "plain.png")
        (root / kind / "plain.png").rename(root / kind / os.fsdecode(b"%d\xff.png" % number))
    (root / "normal" / os.fsdecode(b"\xff.png")).touch()
    result, found = check(root, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert len(found["unreadable"]) == 1
    assert (tmp_path / "out" / "pictures.png").exists()


def test_a_loop_of_links_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    result, _ = check(tmp_path / "loop", tmp_path / "out")
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("is_print", "flip"), [(True, False), (False, True)])
def test_mirrored_pictures_and_synthetic_defects_are_proposed_where_they_fit(
    tmp_path: Path, is_print: bool, flip: bool
) -> None:
    rng = np.random.default_rng(0)
    for number in range(30):
        pixels = texture(rng)
        pixels[5:20, 5:10] += 80 * is_print
        save(pixels, tmp_path / "parts" / "normal" / f"{number}.png")
    result, found = check(tmp_path / "parts", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert found["proposal"]["train"] == {"flip": flip}
    assert "worse if mirrored" in result.output
    assert "draws synthetic ones" in "\n".join(found["warnings"])
    config = make_config(tomllib.loads((tmp_path / "out" / "config.toml").read_text()))
    assert config.data.anomaly_source == "synthetic"
    assert load_splits(config.data, 0).train.is_anomaly.any()


def test_figures_that_cannot_be_compared_with_published_ones_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder, count in (("train/good", 8), ("test/good", 4), ("test/dent", 6)):
        for number in range(count):
            save(texture(rng), tmp_path / "parts" / folder / f"{number}.png")
    _, found = check(tmp_path / "parts", tmp_path / "out")
    assert "unless --protocol mvtec is given" in "\n".join(found["warnings"])
