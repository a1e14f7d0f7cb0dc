"""Pictures, kinds, splits, masks and groups as users have them."""

import os
from pathlib import Path

import pytest

from ganad_tf.data.listing import NORMAL
from ganad_tf.data.place import list_pictures
from ganad_tf.errors import UserError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def listed(root: Path) -> dict[str, tuple[str, str, str | None]]:
    """Return kind, split and mask of each picture by its name."""
    return {
        picture.name: (
            picture.kind,
            picture.split,
            picture.mask and os.path.relpath(picture.mask, root),
        )
        for picture in list_pictures(root).pictures
    }


def test_masks_of_a_folder_and_masks_beside_the_pictures(tmp_path: Path) -> None:
    touch(tmp_path, "normal/a.png", "dent/a.jpg", "dent/lot 2/a.png", "dent/ß 漢.bmp", "dent/c.tif")
    touch(tmp_path, "masks/dent/a.png", "masks/dent/lot 2/a.tif", "dent/ß 漢_mask.png")
    touch(tmp_path, "dent/no picture.txt", "dent/.hidden.png", "masks/normal/b.png")
    assert listed(tmp_path) == {
        "normal/a.png": (NORMAL, "", None),
        "dent/a.jpg": ("dent", "", "masks/dent/a.png"),
        "dent/lot 2/a.png": ("dent", "", "masks/dent/lot 2/a.tif"),
        "dent/ß 漢.bmp": ("dent", "", "dent/ß 漢_mask.png"),
        "dent/c.tif": ("dent", "", None),
    }


def test_a_picture_that_is_only_named_like_a_mask_is_a_picture(tmp_path: Path) -> None:
    touch(tmp_path, "normal/gas_mask.png", "normal/_mask.png")
    assert set(listed(tmp_path)) == {"normal/gas_mask.png", "normal/_mask.png"}


def test_pictures_of_one_stem_are_all_there(tmp_path: Path) -> None:
    touch(tmp_path, "dent/0.png", "dent/0.jpg", "masks/dent/0.png")
    assert listed(tmp_path) == {
        "dent/0.jpg": ("dent", "", "masks/dent/0.png"),
        "dent/0.png": ("dent", "", "masks/dent/0.png"),
    }


def test_the_layout_of_mvtec(tmp_path: Path) -> None:
    touch(tmp_path, "train/good/000.png", "test/good/000.png", "test/crack/000.png")
    touch(tmp_path, "test/crack/001.png", "ground_truth/crack/001_mask.png")
    assert listed(tmp_path) == {
        "train/good/000.png": (NORMAL, "train", None),
        "test/good/000.png": (NORMAL, "test", None),
        "test/crack/000.png": ("crack", "", None),
        "test/crack/001.png": ("crack", "", "ground_truth/crack/001_mask.png"),
    }


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_list(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = (
        ("path", "label", "kind", "mask", "split", "group"),
        ("a b/1.png", "normal", "", "", "train", "part 7"),
        ("2.png", "bad", "scratch", "m/2.png", "", "part 7"),
        ("3.png", "1", "", "", "test", ""),
        ("4.png", "OK", "", "", "", ""),
        ("/elsewhere/5.png", "", "dent", "", "", ""),
        ("6.png", "", "good", "", "", ""),
    )
    path = tmp_path / "list.CSV"
    path.write_text("\n".join(separator.join(row) for row in rows), encoding=encoding)
    pictures = list_pictures(path).pictures
    assert [p.path for p in pictures[:2]] == [tmp_path / "a b/1.png", tmp_path / "2.png"]
    assert pictures[4].path == Path("/elsewhere/5.png")
    assert [p.kind for p in pictures] == [NORMAL, "scratch", "defect", NORMAL, "dent", NORMAL]
    assert [p.split for p in pictures] == ["train", "", "test", "", "", ""]
    assert [p.group for p in pictures] == ["part 7", "part 7", None, None, None, None]
    assert [p.mask for p in pictures[:3]] == [None, tmp_path / "m/2.png", None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its first line must name the columns path and label or kind"),
        ("file,label\na.png,normal\n", "its first line must name the columns"),
        ("path,mask\na.png,b.png\n", "its first line must name the columns"),
        ("path,label\na.png,\n", "line 2: a picture takes a path and a label or kind"),
        ("path,label\na.png,ok\n,ok\n", "line 3: a picture takes a path"),
        ("path,label\na.png\n", "line 2: a picture takes a path and a label"),
        ("path,label,split\na.png,ok,val\n", "line 2: split 'val' is neither train nor test"),
        ("path,label\na.png,ok\na.png,bad\n", "line 3: a.png is there twice"),
        ("path,label\na.png,ok\n./x/../a.png,bad\n", r"line 3: ./x/../a.png is there twice"),
        ("path,label\na.png,ok,too many\n", "no more cells than columns"),
        ("path,label,kind\na.png,ok,dent\n", "label 'ok' and kind 'dent' contradict"),
        ("path,label,kind\na.png,bad,good\n", "label 'bad' and kind 'good' contradict"),
        ('path,label\n"' + "x" * 200_000, "field larger than field limit"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        list_pictures(path)


def test_a_list_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("path,label\nß.png,ok\n".encode("latin-1"))
    with pytest.raises(UserError, match="cannot be read as UTF-8 text"):
        list_pictures(path)


def test_what_a_spreadsheet_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        'Path, Label,\r\n"a\nb, c.png", ok ,\r\n,,\r\n"d ""e"".png",bad,\r\n', newline=""
    )
    assert [(p.name, p.kind) for p in list_pictures(path).pictures] == [
        ("a\nb, c.png", NORMAL),
        ('d "e".png', "defect"),
    ]
