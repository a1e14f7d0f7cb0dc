"""LabelMe: one JSON file per picture with its shapes.

https://github.com/wkentaro/labelme, whose `shape_type` may be polygon, rectangle, circle or mask;
points and lines mark no area. X-AnyLabeling writes the same and adds rotation.
"""

import base64
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from ganad_station.images import LARGEST_PIXELS
from ganad_tf.data.annotations.labels import (
    Documents,
    Labels,
    Shapes,
    number,
    numbers,
    picture_shape,
    reading,
)
from ganad_tf.data.regions import Bitmap, Polygon, Shape, bitmap, ellipse, polygon, rectangle


def read(documents: Documents) -> list[Labels]:
    """Return the labels of all pictures that have a file of LabelMe in a folder."""
    labels = []
    for path, content in documents.json.items():
        if isinstance(content, dict) and {"shapes", "imagePath"} <= set(content):
            with reading(documents.files, path, "LabelMe"):
                labels.append(_labels(content, path, documents))
    return labels


def _labels(content: dict[str, Any], path: str, documents: Documents) -> Labels:
    shapes = Shapes()
    for item in content["shapes"]:
        shape_type = item.get("shape_type") or "polygon"
        if shape_type == "polygon":
            shapes.add_polygon(item["label"], _coordinates(item))
        elif shape_type in SHAPES:
            shapes.add(item["label"], SHAPES[shape_type](item))
        else:
            shapes.unread.append(str(shape_type))
    shapes.unread += (f"flag {name}" for name, is_set in _flags(content) if is_set)
    name = str(content["imagePath"] or path)
    shape = picture_shape(content.get("imageHeight"), content.get("imageWidth"))
    picture = documents.files.beside(path) or documents.files.named(name, path)
    return shapes.labels(name, picture, path, shape)


def _flags(content: dict[str, Any]) -> list[tuple[str, Any]]:
    return list((content.get("flags") or {}).items())


def _coordinates(item: dict[str, Any]) -> list[float]:
    return numbers(number for point in item["points"] for number in point)


def _rectangle(item: dict[str, Any]) -> Polygon:
    coordinates = _coordinates(item)
    if len(coordinates) == 8:  # X-AnyLabeling writes four corners.
        return polygon(coordinates)
    x1, y1, x2, y2 = coordinates
    return rectangle(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def _circle(item: dict[str, Any]) -> Polygon:
    x, y, on_x, on_y = _coordinates(item)
    radius = math.hypot(on_x - x, on_y - y)
    return ellipse(x, y, radius, radius)


def _mask(item: dict[str, Any]) -> Bitmap:
    left, top = (round(number(value)) for value in item["points"][0])
    try:
        image = Image.open(io.BytesIO(base64.b64decode(item["mask"])), formats=("PNG",))
        if image.width * image.height > LARGEST_PIXELS:
            raise ValueError("it is larger than a picture")
        pixels = np.asarray(image.convert("L")) > 0
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"a mask cannot be decoded: {error}") from None
    return bitmap(pixels, left, top)


SHAPES: dict[str, Callable[[dict[str, Any]], Shape]] = {
    "rectangle": _rectangle,
    "rotation": _rectangle,
    "circle": _circle,
    "mask": _mask,
}
