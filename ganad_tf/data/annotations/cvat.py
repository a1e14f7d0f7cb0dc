"""CVAT for images: one XML file with boxes, polygons, ellipses and masks of all pictures.

https://docs.cvat.ai/docs/manual/advanced/xml_format/ describes version 1.1. CVAT's other exports
are COCO, YOLO and Pascal VOC.
"""

from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np

from ganad_tf.data.annotations.labels import (
    Documents,
    Labels,
    Shapes,
    number,
    numbers,
    picture_shape,
    reading,
)
from ganad_tf.data.regions import Bitmap, Polygon, Shape, ellipse, rectangle

Element = ElementTree.Element


def read(documents: Documents) -> list[Labels]:
    """Return the labels of all pictures that files of CVAT in a folder name."""
    labels: list[Labels] = []
    for path, root in documents.xml.items():
        if root.tag == "annotations":
            with reading(documents.files, path, "CVAT"):
                if root.find("track") is not None:
                    raise ValueError("it has tracks of a video: choose CVAT for images")
                labels += (_labels(image, path, documents) for image in root.iterfind("image"))
    return labels


def _labels(image: Element, path: str, documents: Documents) -> Labels:
    shapes, name = Shapes(), image.attrib["name"]
    for item in image:
        if item.tag == "tag":
            shapes.add(item.attrib["label"], None)
        elif item.tag == "polygon":
            corners = item.attrib["points"].replace(";", ",").split(",")
            shapes.add_polygon(item.attrib["label"], numbers(corners))
        elif item.tag in SHAPES:
            shapes.add(item.attrib["label"], SHAPES[item.tag](item))
        else:
            shapes.unread.append(item.tag)
    shape = picture_shape(image.get("height"), image.get("width"))
    return shapes.labels(name, documents.files.named(name, path), path, shape)


def _box(item: Element) -> Polygon:
    left, top, right, bottom = numbers(item.attrib[name] for name in ("xtl", "ytl", "xbr", "ybr"))
    return rectangle(left, top, right, bottom, number(item.get("rotation", 0)))


def _ellipse(item: Element) -> Polygon:
    x, y, radius_x, radius_y = numbers(item.attrib[name] for name in ("cx", "cy", "rx", "ry"))
    return ellipse(x, y, radius_x, radius_y, number(item.get("rotation", 0)))


def _mask(item: Element) -> Bitmap:
    sides = (int(number(item.attrib[name])) for name in ("left", "top", "height", "width"))
    left, top, height, width = sides
    if picture_shape(height, width) is None:
        raise ValueError("a mask of 0 pixels")
    runs = np.array([int(run) for run in item.attrib["rle"].split(",")], np.int64)
    return Bitmap(left, top, height, width, runs)


SHAPES: dict[str, Callable[[Element], Shape]] = {"box": _box, "ellipse": _ellipse, "mask": _mask}
