"""Writes the same labelled pictures as each annotation tool writes them.

`a.png` has a box, `b.png` an L of six corners and a smaller box of another kind, `c.png` nothing.
"""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 24, 32
BOX = (4, 6, 20, 10)
"""Left, top, right and bottom of the scratch in `a.png`."""
CORNERS = [(8, 2), (12, 2), (12, 14), (26, 14), (26, 20), (8, 20)]
"""The corners of the stain in `b.png`."""
DENT = (28, 2, 31, 5)
"""Left, top, right and bottom of the dent in `b.png`."""
# What pycocotools 2.0.11 makes of the mask of the stain: encode(np.asfortranarray(mask)).
COCO_COUNTS = "R6b0600000<D00000000000000000000000000R4"
# What label-studio-sdk 2.1.2 makes of it: encode_rle(np.repeat(mask.ravel() * 255, 4)).
BRUSH = [
    0, 0, 12, 0, 57, 27, 255, 1, 31, 0, 191, 255, 155, 192, 47, 255, 230, 240, 11, 255, 249, 188,
    2, 255, 254, 111, 0, 191, 255, 155, 192, 47, 255, 230, 240, 11, 255, 249, 188, 2, 255, 254, 111,
    0, 191, 255, 155, 192, 47, 255, 230, 240, 11, 255, 249, 188, 2, 255, 254, 111, 0, 200, 255, 248,
    220, 3, 35, 255, 227, 112, 12, 143, 255, 141, 192, 50, 63, 254, 55, 0, 200, 255, 248, 220, 3,
    35, 255, 240, 33, 112, 0,
]  # fmt: skip

CLASSES = ["stain", "scratch", "dent"]


def expected() -> dict[str, NDArray[np.bool_]]:
    """Return the mask of each picture, bool `(HEIGHT, WIDTH)`."""
    masks = {name: np.zeros((HEIGHT, WIDTH), bool) for name in ("a.png", "b.png", "c.png")}
    masks["a.png"][6:10, 4:20] = True
    masks["b.png"] = stain()
    masks["b.png"][2:5, 28:31] = True
    return masks


def stain() -> NDArray[np.bool_]:
    """Return the mask of the stain alone."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[2:20, 8:12] = True
    mask[14:20, 8:26] = True
    return mask


def write_pictures(folder: Path, names: tuple[str, ...] = ("a.png", "b.png", "c.png")) -> None:
    """Write grey pictures of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for name in names:
        pixels = rng.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
        Image.fromarray(pixels).save(folder / name)


def flat() -> list[float]:
    """Return the corners of the stain as x, y, x, y, ..."""
    return [float(value) for corner in CORNERS for value in corner]


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))


def _box_of_coco(box: tuple[int, int, int, int]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def coco(segmentation: Any) -> dict[str, Any]:
    """Return the content of a file of COCO, given the segmentation of the stain."""
    size = {"height": HEIGHT, "width": WIDTH}
    boxes = ((1, 2, BOX, []), (2, 1, (8, 2, 26, 20), segmentation), (2, 3, DENT, []))
    return {
        "info": {"description": ""},
        "licenses": [],
        "images": [
            {"id": 1, "file_name": "a.png", **size},
            {"id": 2, "file_name": "b.png", **size},
            {"id": 3, "file_name": "c.png", **size},
        ],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": category,
                "bbox": _box_of_coco(box),
                "segmentation": shape,
                "area": 100,
                "iscrowd": int(isinstance(shape, dict)),
            }
            for number, (image, category, box, shape) in enumerate(boxes, start=1)
        ],
        "categories": [
            {"id": index, "name": name, "supercategory": ""}
            for index, name in enumerate(CLASSES, start=1)
        ],
    }


def write_coco_of_cvat(root: Path) -> None:
    """COCO 1.0 as CVAT exports it."""
    write_pictures(root / "images" / "default")
    _write(root / "annotations" / "instances_default.json", coco([flat()]))


def write_coco_of_roboflow(root: Path) -> None:
    """COCO with compressed run lengths, beside the pictures as Roboflow writes it."""
    write_pictures(root / "train")
    counts = {"size": [HEIGHT, WIDTH], "counts": COCO_COUNTS}
    _write(root / "train" / "_annotations.coco.json", coco(counts))


def write_coco_runs(root: Path) -> None:
    """COCO with run lengths that are not compressed, column by column."""
    write_pictures(root)
    changes = np.flatnonzero(np.diff(stain().T.ravel(), prepend=False, append=False))
    runs = np.diff(changes, prepend=0, append=HEIGHT * WIDTH).tolist()
    _write(root / "annotations.json", coco({"size": [HEIGHT, WIDTH], "counts": runs}))


def _yolo_box(index: int, box: tuple[int, int, int, int]) -> str:
    left, top, right, bottom = box
    center = f"{(left + right) / 2 / WIDTH:.6f} {(top + bottom) / 2 / HEIGHT:.6f}"
    return f"{index} {center} {(right - left) / WIDTH:.6f} {(bottom - top) / HEIGHT:.6f}\n"


def _yolo_polygon() -> str:
    cells = " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in CORNERS)
    return f"0 {cells}\n"


def write_yolo_of_ultralytics(root: Path) -> None:
    """YOLO with polygons, in the folders of Ultralytics."""
    write_pictures(root / "images" / "train")
    _write(root / "labels" / "train" / "a.txt", _yolo_box(1, BOX))
    _write(root / "labels" / "train" / "b.txt", _yolo_polygon() + _yolo_box(2, DENT))
    names = "".join(f"  {index}: {name}\n" for index, name in enumerate(CLASSES))
    _write(root / "data.yaml", f"path: ./\ntrain: images/train\nnames:\n{names}")


def write_yolo_of_roboflow(root: Path) -> None:
    """YOLO with polygons, in the folders of Roboflow; a picture without regions has a file."""
    write_pictures(root / "train" / "images")
    _write(root / "train" / "labels" / "a.txt", _yolo_box(1, BOX))
    _write(root / "train" / "labels" / "b.txt", _yolo_polygon() + _yolo_box(2, DENT))
    _write(root / "train" / "labels" / "c.txt", "")
    _write(root / "data.yaml", "train: ../train/images\nnc: 3\nnames: ['stain', 'scratch', 'dent']")


def write_labelme(root: Path, as_mask: bool = False) -> None:
    """LabelMe 5, a file beside each picture that has shapes."""
    write_pictures(root)
    corners: list[Any] = [list(map(float, corner)) for corner in CORNERS]
    mark: dict[str, Any] = {"label": "stain", "points": corners, "shape_type": "polygon"}
    if as_mask:
        # The corners of the box of the mask, the last pixel included, and its pixels as PNG.
        file = io.BytesIO()
        Image.fromarray(stain()[2:20, 8:26]).save(file, "PNG")
        mark["points"] = [[8.0, 2.0], [25.0, 19.0]]
        mark["shape_type"], mark["mask"] = "mask", base64.b64encode(file.getvalue()).decode()
    scratch = {"label": "scratch", "points": [[20.0, 10.0], [4.0, 6.0]]}
    dent = {"label": "dent", "points": [[28.0, 2.0], [31.0, 5.0]]}
    boxes = [{**box, "shape_type": "rectangle"} for box in (scratch, dent)]
    shapes = {"a": boxes[:1], "b": [mark, boxes[1]]}
    for name, items in shapes.items():
        more = {"group_id": None, "description": "", "flags": {}}
        content = {
            "version": "5.4.1",
            "flags": {},
            "shapes": [{**more, **item} for item in items],
            "imagePath": f"{name}.png",
            "imageData": None,
            "imageHeight": HEIGHT,
            "imageWidth": WIDTH,
        }
        _write(root / f"{name}.json", content)


def write_cvat(root: Path, as_mask: bool = False) -> None:
    """CVAT for images 1.1."""
    write_pictures(root / "images")
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in CORNERS)
    mark = f'<polygon label="stain" source="manual" occluded="0" points="{points}" z_order="0"/>'
    if as_mask:
        inside = stain()[2:20, 8:26].ravel()
        changes = np.flatnonzero(np.diff(inside, prepend=False, append=False))
        runs = np.diff(changes, prepend=0).tolist()
        mark = (
            f'<mask label="stain" source="manual" occluded="0" rle="{", ".join(map(str, runs))}" '
            'left="8" top="2" width="18" height="18" z_order="0"/>'
        )

    def box(label: str, corners: tuple[int, int, int, int]) -> str:
        sides = zip(("xtl", "ytl", "xbr", "ybr"), corners, strict=True)
        listed = " ".join(f"{name}={quoteattr(f'{value:.2f}')}" for name, value in sides)
        return f'<box label="{label}" source="manual" occluded="0" {listed} z_order="0"></box>'

    shapes = {"a.png": box("scratch", BOX), "b.png": mark + box("dent", DENT), "c.png": ""}
    images = "".join(
        f'<image id="{index}" name="{name}" width="{WIDTH}" height="{HEIGHT}">{inside}</image>\n'
        for index, (name, inside) in enumerate(shapes.items())
    )
    _write(
        root / "annotations.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f"  <meta><job><id>1</id></job></meta>\n{images}</annotations>\n",
    )


def _percent(box: tuple[int, int, int, int]) -> dict[str, float]:
    left, top, right, bottom = box
    return {
        "x": left / WIDTH * 100,
        "y": top / HEIGHT * 100,
        "width": (right - left) / WIDTH * 100,
        "height": (bottom - top) / HEIGHT * 100,
        "rotation": 0,
    }


def _studio_regions(as_brush: bool) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    mark: tuple[str, dict[str, Any]] = (
        "polygonlabels",
        {
            "points": [[x / WIDTH * 100, y / HEIGHT * 100] for x, y in CORNERS],
            "closed": True,
            "polygonlabels": ["stain"],
        },
    )
    if as_brush:
        mark = ("brushlabels", {"format": "rle", "rle": BRUSH, "brushlabels": ["stain"]})
    scratch = ("rectanglelabels", {**_percent(BOX), "rectanglelabels": ["scratch"]})
    dent = ("rectanglelabels", {**_percent(DENT), "rectanglelabels": ["dent"]})
    return {"a.png": [scratch], "b.png": [mark, dent], "c.png": []}


def write_label_studio(root: Path, as_brush: bool = False) -> None:
    """The export "JSON" of Label Studio, whose pictures were uploaded."""
    write_pictures(root / "images", ("0a1b2c3d-a.png", "1a1b2c3d-b.png", "2a1b2c3d-c.png"))
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    tasks = []
    for number, (name, regions) in enumerate(_studio_regions(as_brush).items()):
        result = [
            {**size, "value": value, "id": f"r{i}", "from_name": "label", "to_name": "image",
             "type": kind, "origin": "manual"}
            for i, (kind, value) in enumerate(regions)
        ]  # fmt: skip
        annotation = {"id": number, "completed_by": 1, "result": result, "was_cancelled": False}
        upload = f"{number}a1b2c3d-{name}"
        tasks.append(
            {
                "id": number,
                "annotations": [annotation],
                "file_upload": upload,
                "predictions": [],
                "data": {"image": f"/data/upload/1/{upload}"},
                "project": 1,
            }
        )
    _write(root / "project-1-at-2026-01-01.json", tasks)


def write_label_studio_min(root: Path) -> None:
    """The export "JSON-MIN" of Label Studio, beside the pictures that were uploaded."""
    write_pictures(root)
    size = {"original_width": WIDTH, "original_height": HEIGHT}
    rows = [
        {
            "image": f"/data/upload/1/0a1b2c3d-{name}",
            "id": number,
            **({"label": [{**value, **size} for _, value in regions]} if regions else {}),
            "annotator": 1,
            "annotation_id": number,
            "lead_time": 1.5,
        }
        for number, (name, regions) in enumerate(_studio_regions(False).items())
    ]
    _write(root / "project-1.json", rows)


def write_voc(root: Path) -> None:
    """Pascal VOC as labelImg writes it; the stain of `b.png` is two boxes."""
    write_pictures(root / "JPEGImages")
    boxes = {
        "a": [("scratch", BOX)],
        "b": [("stain", (8, 2, 12, 20)), ("stain", (8, 14, 26, 20)), ("dent", DENT)],
    }
    for name, items in boxes.items():
        objects = "".join(
            f"<object><name>{kind}</name><pose>Unspecified</pose><truncated>0</truncated>"
            f"<difficult>0</difficult><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
            f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
            for kind, (left, top, right, bottom) in items
        )
        _write(
            root / "Annotations" / f"{name}.xml",
            f"<annotation><folder>JPEGImages</folder><filename>{name}.png</filename>"
            f"<path>C:\\parts\\{name}.png</path><source><database>Unknown</database></source>"
            f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>1</depth></size>"
            f"<segmented>0</segmented>{objects}</annotation>",
        )


def write_yolo_of_cvat(root: Path) -> None:
    """YOLO 1.1 as CVAT exports it; the stain of `b.png` is two boxes."""
    write_pictures(root / "obj_train_data")
    boxes = _yolo_box(0, (8, 2, 12, 20)) + _yolo_box(0, (8, 14, 26, 20)) + _yolo_box(2, DENT)
    _write(root / "obj_train_data" / "a.txt", _yolo_box(1, BOX))
    _write(root / "obj_train_data" / "b.txt", boxes)
    _write(root / "obj_train_data" / "c.txt", "")
    _write(root / "obj.names", "\n".join(CLASSES) + "\n")
    _write(root / "obj.data", "classes = 3\ntrain = data/train.txt\nnames = data/obj.names\n")


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "COCO of CVAT": ("COCO", write_coco_of_cvat),
    "COCO of Roboflow": ("COCO", write_coco_of_roboflow),
    "COCO, run lengths": ("COCO", write_coco_runs),
    "YOLO of Ultralytics": ("YOLO", write_yolo_of_ultralytics),
    "YOLO of Roboflow": ("YOLO", write_yolo_of_roboflow),
    "YOLO of CVAT": ("YOLO", write_yolo_of_cvat),
    "Pascal VOC": ("Pascal VOC", write_voc),
    "LabelMe": ("LabelMe", write_labelme),
    "LabelMe, mask": ("LabelMe", lambda root: write_labelme(root, as_mask=True)),
    "CVAT": ("CVAT", write_cvat),
    "CVAT, mask": ("CVAT", lambda root: write_cvat(root, as_mask=True)),
    "Label Studio": ("Label Studio", write_label_studio),
    "Label Studio, brush": ("Label Studio", lambda root: write_label_studio(root, as_brush=True)),
    "Label Studio, JSON-MIN": ("Label Studio", write_label_studio_min),
}
"""The format and the function that writes it, by the name of the tool."""
