"""COCO: one JSON file with images, annotations and categories.

Boxes, polygons and run lengths, compressed or not, as https://cocodataset.org/#format-data
describes them. Written by CVAT, Label Studio, Roboflow, labelme2coco and others.
"""

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganad_tf.data.annotations.labels import (
    Documents,
    Labels,
    Shapes,
    number,
    numbers,
    picture_shape,
    reading,
)
from ganad_tf.data.regions import Bitmap, rectangle


def read(documents: Documents) -> list[Labels]:
    """Return the labels of all pictures that files of COCO in a folder name."""
    labels: list[Labels] = []
    for path, content in documents.json.items():
        if _is_coco(content):
            with reading(documents.files, path, "COCO"):
                labels += _labels(content, path, documents)
    return labels


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and {"images", "annotations", "categories"} <= set(content)


def _labels(content: dict[str, Any], path: str, documents: Documents) -> list[Labels]:
    names = {category["id"]: category["name"] for category in content["categories"]}
    shapes: dict[Any, Shapes] = defaultdict(Shapes)
    for annotation in content["annotations"]:
        _add(shapes[annotation["image_id"]], names[annotation["category_id"]], annotation)
    labels = []
    for image in content["images"]:
        found = shapes.pop(image["id"], Shapes())
        name = image["file_name"]
        shape = picture_shape(image.get("height"), image.get("width"))
        labels.append(found.labels(name, documents.files.named(name, path), path, shape))
    if shapes:
        raise ValueError(f"there is no image {next(iter(shapes))!r}, which an annotation names")
    return labels


def _add(shapes: Shapes, kind: str, annotation: dict[str, Any]) -> None:
    segmentation, box = annotation.get("segmentation"), annotation.get("bbox")
    if isinstance(segmentation, dict):
        shapes.add(kind, _bitmap(segmentation))
    elif segmentation:
        for ring in segmentation:
            shapes.add_polygon(kind, numbers(ring))
    elif box:
        left, top, width, height = numbers(box)
        shapes.add(kind, rectangle(left, top, left + width, top + height))
    else:
        shapes.unread.append("annotation without box")


def _bitmap(encoded: dict[str, Any]) -> Bitmap:
    height, width = (int(number(side)) for side in encoded["size"])
    if picture_shape(height, width) is None:
        raise ValueError("a mask of 0 pixels")
    counts = encoded["counts"]
    runs = decode(counts) if isinstance(counts, str) else np.array(counts, np.int64)
    return Bitmap(0, 0, height, width, runs, by_column=True)


def decode(text: str) -> NDArray[np.int64]:
    """Decode compressed run lengths.

    Each number is written in digits of five bits, the lowest first, as characters from "0"; a sixth
    bit says that more follow. From the third number on, it is the difference to the last but one.
    https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c, rleFrString

    Args:
        text: The value of `counts`.

    Returns:
        The run lengths, int64.

    Raises:
        ValueError: If the text is not such a code.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - ord("0")
        if not 0 <= digit < 64 or shift > 50:
            raise ValueError("counts are not run lengths")
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    return np.array(runs, np.int64)
