"""Label Studio: a JSON file of tasks, with units in percent of the picture.

Both exports, JSON and JSON-MIN, with rectangles, polygons, ellipses, brush strokes and choices.
https://labelstud.io/guide/export and https://labelstud.io/tags/rectanglelabels describe them.
Label Studio's other exports are COCO, YOLO and Pascal VOC.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from ganad_station.images import IMAGE_SUFFIXES
from ganad_tf.data.annotations.brush import decode
from ganad_tf.data.annotations.labels import (
    Documents,
    Labels,
    Shapes,
    number,
    picture_shape,
    reading,
)
from ganad_tf.data.files import Files
from ganad_tf.data.regions import Bitmap, Polygon, bitmap, ellipse, rectangle, turned

TOOL = "Label Studio"
UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts in front of the names of uploaded pictures."""


def read(documents: Documents) -> list[Labels]:
    """Return the labels of all pictures in the tasks of Label Studio in a folder."""
    labels: list[Labels] = []
    for path, content in documents.json.items():
        if _is_export(content):
            with reading(documents.files, path, TOOL):
                done = [task for task in content if _is_done(task)]
                labels += _merged([_labels(task, path, documents.files) for task in done])
    return labels


def _is_export(content: Any) -> bool:
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        return False
    keys = set(content[0])
    return {"data", "annotations"} <= keys or {"id", "annotation_id"} <= keys


def _is_done(task: dict[str, Any]) -> bool:
    """Tell whether a task was labelled, not skipped or left for later."""
    if "annotations" in task:
        return bool(_annotations(task))
    return task.get("annotation_id") is not None


def _annotations(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in task["annotations"] if not item.get("was_cancelled")]


def _merged(labels: list[Labels]) -> list[Labels]:
    """Merge the rows of JSON-MIN that are about the same picture."""
    merged: dict[str, Labels] = {}
    for item in labels:
        first = merged.get(item.name)
        merged[item.name] = (
            item
            if first is None
            else dataclasses.replace(
                first,
                regions=first.regions + item.regions,
                shape=first.shape or item.shape,
                unread=first.unread + item.unread,
            )
        )
    return list(merged.values())


def _labels(task: dict[str, Any], path: str, files: Files) -> Labels:
    values = list(_values(task))
    shape = next(
        filter(
            None, (picture_shape(v.get("original_height"), v.get("original_width")) for v in values)
        ),
        None,
    )
    shapes = Shapes()
    for value in values:
        _add(shapes, value, shape)
    name = _name(task.get("data", task))
    picture = files.named(name, path) or files.named(
        UPLOADED.sub("", PurePosixPath(name).name), path
    )
    return shapes.labels(name, picture, path, shape, is_relative=shape is None)


def _values(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the value of each result, with the size and the turn of the picture in it."""
    if "annotations" in task:
        for annotation in _annotations(task):
            yield from ({**result, **result.get("value", {})} for result in annotation["result"])
    else:
        for results in task.values():
            if isinstance(results, list):
                yield from (result for result in results if isinstance(result, dict))
            elif isinstance(results, dict) and "choices" in results:
                yield results


def _name(data: dict[str, Any]) -> str:
    for value in data.values():
        if isinstance(value, str):
            name = _path_of(value)
            if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES:
                return name
    raise ValueError("a task names no picture")


def _path_of(address: str) -> str:
    """Return the path in an address such as /data/local-files/?d=lot/1.png or s3://bucket/1.png."""
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d")
    return local[0] if local else unquote(parts.path).lstrip("/")


def _add(shapes: Shapes, value: dict[str, Any], shape: tuple[int, int] | None) -> None:
    if "choices" in value:
        choices = value["choices"]
        for choice in [choices] if isinstance(choices, str) else choices:
            shapes.add(choice, None)
        return
    names = next((v for key, v in value.items() if key.endswith("labels")), None)
    if not names:
        shapes.unread.append(f"{value.get('type', 'region')} without label")
        return
    if number(value.get("image_rotation") or 0):
        shapes.unread.append("region of a picture that was turned in Label Studio")
        return
    region = _shape(value, shape)
    if region is None:
        shapes.unread.append(str(value.get("type", "region")))
    elif isinstance(region, list):
        shapes.add_polygon(names[0], region)
    else:
        shapes.add(names[0], region)


def _shape(
    value: dict[str, Any], shape: tuple[int, int] | None
) -> Bitmap | Polygon | list[float] | None:
    """Return a region, a polygon as its coordinates x, y, x, y, ...; None if it has no area."""
    height, width = (1, 1) if shape is None else shape
    degrees = number(value.get("rotation") or 0)
    if shape is None and (degrees or "rle" in value):
        raise ValueError("a turned region or brush stroke without original_width")
    if "rle" in value:
        return bitmap(decode(np.array(value["rle"]), (height, width)))
    unit_x, unit_y = width / 100, height / 100
    if "points" in value:
        points = [(number(x) * unit_x, number(y) * unit_y) for x, y in value["points"]]
        return [coordinate for point in points for coordinate in point]
    if not {"x", "y"} <= set(value):
        return None
    x, y = number(value["x"]) * unit_x, number(value["y"]) * unit_y
    if "radiusX" in value:
        radii = number(value["radiusX"]) * unit_x, number(value["radiusY"]) * unit_y
        return ellipse(x, y, *radii, degrees=degrees)
    if not {"width", "height"} <= set(value):
        return None
    right = x + number(value["width"]) * unit_x
    bottom = y + number(value["height"]) * unit_y
    # Label Studio turns a rectangle around its upper left corner.
    return turned(rectangle(x, y, right, bottom), (x, y), degrees)
