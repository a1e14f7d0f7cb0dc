"""Labels of annotation tools: the files of each end in the same kinds and masks."""

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ganad_tf.cli.main import cli
from ganad_tf.config import DataConfig
from ganad_tf.data.annotations.formats import FORMATS
from ganad_tf.data.folder import load_folder
from ganad_tf.data.labeled import DEFECT_PIXEL
from ganad_tf.data.listing import NORMAL, Picture
from ganad_tf.data.masks import marked_pixels
from ganad_tf.data.place import list_pictures
from ganad_tf.errors import UserError
from tests.support.labelled import (
    BOX,
    DENT,
    HEIGHT,
    WIDTH,
    WRITERS,
    coco,
    expected,
    flat,
    write_coco_runs,
    write_label_studio,
    write_labelme,
    write_pictures,
    write_voc,
    write_yolo_of_roboflow,
    write_yolo_of_ultralytics,
)


def masks(pictures: list[Picture]) -> dict[str, np.ndarray]:
    """Return the mask of each picture, by the end of its name."""
    found = {}
    for picture in pictures:
        problem, marked = marked_pixels(picture, (HEIGHT, WIDTH))
        assert problem is None, problem
        name = re.sub(r"^\w{8}-", "", Path(picture.name).name)
        found[name] = np.zeros((HEIGHT, WIDTH), bool) if marked is None else marked
    return found


@pytest.mark.parametrize("tool", WRITERS)
def test_files_of_each_tool_end_in_the_same_masks(tool: str, tmp_path: Path) -> None:
    name, write = WRITERS[tool]
    write(tmp_path)
    listing = list_pictures(tmp_path)
    assert listing.layout == name
    found = masks(listing.pictures)
    assert {key: mask.tolist() for key, mask in found.items()} == {
        key: mask.tolist() for key, mask in expected().items()
    }
    assert sorted(picture.kind for picture in listing.pictures) == [NORMAL, "scratch", "stain"]
    assert all(picture.split == "" for picture in listing.pictures)
    notes = "\n".join(listing.notes)
    assert "taken as normal, without any region" in notes
    assert re.search(r"largest area: 1 picture, \S*b\.png \(stain, dent\)", notes)
    assert set(listing.unread) <= {"obj.data"}


def test_boxes_of_a_list(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    rows = (
        "a.png,scratch,4,6,16,4",
        "b.png,stain,8,2,4,18",
        "b.png,stain,8,14,18,6",
        "b.png,dent,28,2,3,3",
        "c.png,good,,,,",
    )
    (tmp_path / "list.csv").write_text("path,kind,x,y,width,height\n" + "\n".join(rows))
    listing = list_pictures(tmp_path / "list.csv")
    assert [picture.kind for picture in listing.pictures] == ["scratch", "stain", NORMAL]
    assert {k: m.tolist() for k, m in masks(listing.pictures).items()} == {
        k: m.tolist() for k, m in expected().items()
    }
    assert (
        "boxes of several kinds, taken for the kind with the largest area: 1 picture, b.png"
        in (listing.notes[0])
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.png,dent,,1,2,3,4\na.png,dent,,,,,\n", "line 3: a.png is there twice; only boxes"),
        ("a.png,dent,,1,2,,4\n", "line 2: a box takes x, y, width and height in pixels"),
        ("a.png,dent,,1,2,0,4\n", "line 2: a box takes"),
        ("a.png,dent,,1,2,nan,4\n", "line 2: a box takes"),
        ("a.png,dent,m.png,1,2,3,4\n", "line 2: a box and a mask exclude each other"),
        ("a.png,ok,,1,2,3,4\n", "line 2: a box and the label of a good part exclude"),
    ],
)
def test_boxes_of_a_list_that_are_none(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "list.csv").write_text("path,label,mask,x,y,width,height\n" + rows)
    with pytest.raises(UserError, match=message):
        list_pictures(tmp_path / "list.csv")


def test_folders_say_the_kind_and_annotations_the_place(tmp_path: Path) -> None:
    """LabelMe writes its files beside the pictures, also where those are sorted by kind."""
    write_pictures(tmp_path / "OK", ("good.png",))
    write_labelme(tmp_path / "cracks")
    listing = list_pictures(tmp_path)
    assert listing.layout == "one folder per kind, LabelMe"
    kinds = {picture.name: picture.kind for picture in listing.pictures}
    assert kinds == {"OK/good.png": NORMAL} | {f"cracks/{n}.png": "cracks" for n in "abc"}
    found = masks(listing.pictures)
    assert np.array_equal(found["b.png"], expected()["b.png"])
    assert not listing.unread


def test_labels_name_the_kind_of_a_folder_without_a_name(tmp_path: Path) -> None:
    write_pictures(tmp_path / "test" / "good", ("good.png",))
    write_labelme(tmp_path / "test" / "NG")
    listing = list_pictures(tmp_path)
    assert [picture.kind for picture in listing.pictures] == ["scratch", "stain", "NG", NORMAL]
    assert "with regions of several kinds" in "\n".join(listing.notes)


def test_a_defect_that_is_drawn_on_a_normal_part_is_named(tmp_path: Path) -> None:
    write_labelme(tmp_path / "good")
    write_pictures(tmp_path / "dent", ("d.png",))
    (picture, *_) = [p for p in list_pictures(tmp_path).pictures if p.name == "good/a.png"]
    assert picture.kind == NORMAL
    assert marked_pixels(picture, (HEIGHT, WIDTH))[0] == "marks a defect of a normal part"


@pytest.mark.parametrize("name", ["good", "OK", "Normal"])
def test_a_region_of_a_good_class_is_no_defect(tmp_path: Path, name: str) -> None:
    write_pictures(tmp_path)
    content = coco([flat()])
    content["categories"][1]["name"] = name
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    listing = list_pictures(tmp_path)
    assert [picture.kind for picture in listing.pictures] == [NORMAL, "stain", NORMAL]
    assert f"regions that are no defects by their class: 1 of {name}" in listing.notes


def test_labels_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    write_labelme(tmp_path)
    content = json.loads((tmp_path / "a.json").read_text())
    point = {**content["shapes"][0], "shape_type": "point", "points": [[3, 3]]}
    content["shapes"] = [point, {**point, "shape_type": "line", "points": [[1, 1], [3, 3]]}]
    (tmp_path / "a.json").write_text(json.dumps(content))
    (tmp_path / "lost.json").write_text(json.dumps({**content, "imagePath": "lost.png"}))
    listing = list_pictures(tmp_path)
    assert {picture.name for picture in listing.pictures} == {"b.png", "c.png"}
    notes = "\n".join(listing.notes)
    assert "shapes that mark no area and are not read: 1 point, 1 line" in notes
    assert "left out, since their labels mark no area: 1 picture, a.png" in notes
    assert "labelled, but not in the folder: 1 picture, lost.png" in notes
    assert listing.unread == {"a.png": 1}


def test_pictures_that_a_file_does_not_name_are_not_taken_as_normal(tmp_path: Path) -> None:
    write_coco_runs(tmp_path)
    write_pictures(tmp_path / "new", ("x.png", "y.png"))
    listing = list_pictures(tmp_path)
    assert len(listing.pictures) == 3
    assert listing.unread == {"new/*.png": 2}


def test_labels_for_another_size_are_named(tmp_path: Path) -> None:
    write_labelme(tmp_path)
    picture = list_pictures(tmp_path).pictures[0]
    problem, marked = marked_pixels(picture, (2 * HEIGHT, 2 * WIDTH))
    assert problem == f"has {HEIGHT} x {WIDTH} pixels, the picture {2 * HEIGHT} x {2 * WIDTH}"
    assert marked is None


def test_coordinates_count_in_the_upright_picture(tmp_path: Path) -> None:
    """LabelMe, CVAT and Label Studio show and label pictures as their EXIF orientation says."""
    write_labelme(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.open(tmp_path / "a.png").transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "a.png", exif=exif)
    data = load_folder(DataConfig("folder", str(tmp_path), size=32))
    assert data.masks is not None
    rows, columns = np.nonzero(data.masks[data.names.tolist().index("a.png")] == DEFECT_PIXEL)
    scale = 32 / HEIGHT
    assert rows.min() == round(BOX[1] * scale)
    assert rows.max() + 1 == pytest.approx(BOX[3] * scale, abs=1)
    assert (columns.min(), columns.max() + 1) == (BOX[0], BOX[2])


def test_turned_boxes(tmp_path: Path) -> None:
    """CVAT turns a box around its centre, Label Studio around its upper left corner."""
    write_pictures(tmp_path / "cvat", ("a.png",))
    (tmp_path / "cvat" / "annotations.xml").write_text(
        f'<annotations><version>1.1</version><image id="0" name="a.png" width="{WIDTH}" '
        f'height="{HEIGHT}"><box label="dent" xtl="10" ytl="10" xbr="20" ybr="14" '
        'rotation="90.00"/></image></annotations>'
    )
    write_pictures(tmp_path / "studio", ("a.png",))
    value = {
        "x": 17 / WIDTH * 100, "y": 7 / HEIGHT * 100, "width": 10 / WIDTH * 100,
        "height": 4 / HEIGHT * 100, "rotation": 90, "rectanglelabels": ["dent"],
        "original_width": WIDTH, "original_height": HEIGHT,
    }  # fmt: skip
    task = {"id": 1, "annotation_id": 1, "image": "s3://bucket/a.png", "label": [value]}
    (tmp_path / "studio" / "min.json").write_text(json.dumps([task]))
    turned = np.zeros((HEIGHT, WIDTH), bool)
    turned[7:17, 13:17] = True
    for tool in ("cvat", "studio"):
        assert np.array_equal(masks(list_pictures(tmp_path / tool).pictures)["a.png"], turned)


def test_whole_pictures_may_have_a_class_and_skipped_ones_are_not_used(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    skipped = {"was_cancelled": True}
    result = {"type": "choices", "value": {"choices": ["burr"]}, "from_name": "c", "to_name": "i"}
    tasks = [
        {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [result]}]},
        {"id": 2, "data": {"image": "b.png"}, "annotations": [{"result": []}]},
        {"id": 3, "data": {"image": "c.png"}, "annotations": [{**skipped, "result": []}]},
    ]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    listing = list_pictures(tmp_path)
    assert [(p.name, p.kind, p.mask) for p in listing.pictures] == [
        ("a.png", "burr", None),
        ("b.png", NORMAL, None),
    ]
    assert listing.unread == {"c.png": 1}
    # JSON-MIN has a row for a task that nobody has labelled, too.
    rows = [{"id": n, "image": f"{n}.png", "annotation_id": n if n else None} for n in range(2)]
    write_pictures(tmp_path / "min", ("0.png", "1.png"))
    (tmp_path / "min" / "min.json").write_text(json.dumps(rows))
    assert [p.name for p in list_pictures(tmp_path / "min").pictures] == ["1.png"]


def test_splits_of_annotated_folders(tmp_path: Path) -> None:
    """Pictures for validation are the test if there is no other, else they are trained on."""
    for split in ("train", "valid", "test"):
        write_yolo_of_roboflow(tmp_path / "all" / split)
        (tmp_path / "all" / split / "data.yaml").rename(tmp_path / "all" / "data.yaml")
        (tmp_path / "all" / split / "train").rename(tmp_path / "all" / split / "x")
    splits = {p.name.split("/")[0]: p.split for p in list_pictures(tmp_path / "all").pictures}
    assert splits == {"train": "train", "valid": "train", "test": "test"}
    for name in ("x/images", "x/labels"):
        for path in (tmp_path / "all" / "test" / name).iterdir():
            path.unlink()
    splits = {p.name.split("/")[0]: p.split for p in list_pictures(tmp_path / "all").pictures}
    assert splits == {"train": "train", "valid": "test"}


def test_yolo_needs_the_names_of_its_classes(tmp_path: Path) -> None:
    write_yolo_of_ultralytics(tmp_path)
    (tmp_path / "data.yaml").unlink()
    with pytest.raises(UserError, match=r"write the names of the classes into classes\.txt"):
        list_pictures(tmp_path)
    (tmp_path / "labels" / "classes.txt").write_text("stain\nscratch\ndent\n")
    assert len(list_pictures(tmp_path).pictures) == 3


def test_notes_in_text_files_are_no_labels(tmp_path: Path) -> None:
    write_pictures(tmp_path / "normal", ("a.png",))
    write_pictures(tmp_path / "dent", ("b.png",))
    (tmp_path / "normal" / "a.txt").write_text("exposure 3 ms\n")
    (tmp_path / "readme.json").write_text('{"camera": 1}')
    listing = list_pictures(tmp_path)
    assert listing.layout == "one folder per kind"
    assert listing.unread == {"normal/a.txt": 1, "readme.json": 1}


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    for name in ("a.txt", "a.json"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match=r"a\.json cannot be read .* not a regular file"):
        list_pictures(tmp_path)


def test_the_documentation_has_every_format() -> None:
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    for form in FORMATS:
        assert f"| {form.name} |" in text


BOMB = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><annotation>&c;</annotation>'
NO_CORNERS = "<annotation><object><name>x</name><bndbox/></object></annotation>"
NO_IMAGE = '{"images": [], "annotations": [{}], "categories": []}'
NO_NAME = '[{"data": {"image": 3}, "annotations": [{"result": []}]}]'
INFINITE = (
    '<annotations><image name="a.png"><box label="x" xtl="inf" ytl="0" xbr="1" ybr="1"/></image>'
    "</annotations>"
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "a.json is not JSON"),
        ("a.json", "[" * 100_000, "a.json is not JSON"),
        ("a.json", b"\xff", "a.json cannot be read as UTF-8"),
        ("a.xml", "<annotation>", "a.xml is not XML"),
        ("a.xml", BOMB, "a.xml is not XML that can be read .it defines a document type"),
        ("a.xml", NO_CORNERS, "a.xml is not as Pascal VOC writes it"),
        ("a.json", NO_IMAGE, "not as COCO writes it .'image_id' is missing"),
        ("a.json", '{"shapes": 3, "imagePath": "a.png"}', "not as LabelMe writes it"),
        ("a.xml", INFINITE, "not as CVAT writes it .'inf' is not a coordinate"),
        ("a.json", NO_NAME, "not as Label Studio writes it .a task names no picture"),
        ("data.yaml", "names: {a: b}", "data.yaml is not as YOLO writes it"),
        ("data.yaml", "names: [a", "data.yaml is not as YOLO writes it"),
    ],
)
def test_damaged_files_end_in_one_line(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    write_pictures(tmp_path)
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    out = str(tmp_path.parent / f"{tmp_path.name}-out")
    result = CliRunner().invoke(cli, ["data", "check", str(tmp_path), "--out", out])
    assert result.exit_code == 2
    assert re.search(message, result.output), result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.1", "line 1: a polygon of 3 numbers"),
        ("7 0.5 0.5 0.1 0.1", "line 1: class 7 has no name"),
        ("0 12 14 3 3", "line 1: coordinates are fractions, from 0 to 1"),
        ("scratch 0.5 0.5 0.1 0.1", "line 1"),
    ],
)
def test_lines_of_yolo_that_are_none(tmp_path: Path, line: str, message: str) -> None:
    write_yolo_of_ultralytics(tmp_path)
    (tmp_path / "labels" / "train" / "a.txt").write_text(line)
    with pytest.raises(UserError, match=message):
        list_pictures(tmp_path)


def test_a_picture_with_labels_in_two_formats_is_refused(tmp_path: Path) -> None:
    write_coco_runs(tmp_path)
    write_labelme(tmp_path)
    with pytest.raises(UserError, match=r"a\.png in .* is labelled both in annotations\.json and"):
        list_pictures(tmp_path)


def paths_of(content: Any, path: tuple = ()) -> list[tuple]:
    """Return the path to each value inside of JSON."""
    found = [path] if path else []
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in pairs:
            found += paths_of(value, (*path, key))
    return found


SIMPLE = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))
NONSENSE = st.one_of(
    SIMPLE, st.lists(SIMPLE, max_size=3), st.dictionaries(st.text(max_size=2), SIMPLE, max_size=2)
)


@pytest.mark.parametrize("tool", ["COCO", "LabelMe", "Label Studio"])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_nonsense_is_read_or_refused(tmp_path: Path, tool: str, data: st.DataObject) -> None:
    write = {
        "COCO": write_coco_runs,
        "LabelMe": lambda root: write_labelme(root, as_mask=True),
        "Label Studio": lambda root: write_label_studio(root, as_brush=True),
    }[tool]
    if not any(tmp_path.iterdir()):
        write(tmp_path)
    path = max(tmp_path.glob("*.json"))
    content = json.loads(path.read_text())
    damaged = copy.deepcopy(content)
    *way, last = data.draw(st.sampled_from(paths_of(content)))
    place = damaged
    for key in way:
        place = place[key]
    place[last] = data.draw(NONSENSE)
    path.write_text(json.dumps(damaged))
    try:
        for picture in list_pictures(tmp_path).pictures:
            marked_pixels(picture, (HEIGHT, WIDTH))
    except UserError:
        pass
    finally:
        path.write_text(json.dumps(content))


@pytest.mark.parametrize("tool", ["CVAT, mask", "Pascal VOC", "YOLO of Ultralytics"])
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_nonsense_in_text_is_read_or_refused(
    tmp_path: Path, tool: str, data: st.DataObject
) -> None:
    if not any(tmp_path.iterdir()):
        WRITERS[tool][1](tmp_path)
    files = sorted(path for path in tmp_path.rglob("*") if path.suffix in (".xml", ".txt", ".yaml"))
    path = data.draw(st.sampled_from(files))
    text = path.read_text()
    word = data.draw(st.sampled_from(list(re.finditer(r"[\w.]+", text))))
    nonsense = data.draw(st.sampled_from(["", "-1", "nan", "x", "9" * 30, "1e7", "0", "<", "\0"]))
    path.write_text(text[: word.start()] + nonsense + text[word.end() :])
    try:
        for picture in list_pictures(tmp_path).pictures:
            marked_pixels(picture, (HEIGHT, WIDTH))
    except UserError:
        pass
    finally:
        path.write_text(text)


def test_the_boxes_of_voc_and_the_check_of_data(tmp_path: Path) -> None:
    write_voc(tmp_path / "parts")
    result = CliRunner().invoke(
        cli, ["data", "check", str(tmp_path / "parts"), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 0, result.output
    assert "read as: Pascal VOC" in result.output
    assert "without any region (1 of them without a file of labels): 1 picture" in result.output
    found = json.loads((tmp_path / "out" / "check.json").read_text())
    assert found["layout"] == "Pascal VOC"
    assert found["kinds"]["scratch"]["masks"] == 1
    area = (BOX[2] - BOX[0]) * (BOX[3] - BOX[1])
    assert found["kinds"]["scratch"]["median_defect_share"] == area / (HEIGHT * WIDTH)
    assert DENT not in found
