"""Pascal VOC: one XML file per picture with the boxes of its objects.

Written by labelImg, Roboflow, CVAT and others. Corners are taken as distances in pixels from the
upper left corner, as these tools write them; the original VOC counts pixels from 1, so that its
boxes are off by up to one pixel.
"""

from xml.etree import ElementTree

from ganad_tf.data.annotations.labels import (
    Documents,
    Labels,
    Shapes,
    number,
    picture_shape,
    reading,
)
from ganad_tf.data.regions import rectangle

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(documents: Documents) -> list[Labels]:
    """Return the labels of all pictures that have a file of Pascal VOC in a folder."""
    labels = []
    for path, root in documents.xml.items():
        if root.tag == "annotation":
            with reading(documents.files, path, "Pascal VOC"):
                labels.append(_labels(root, path, documents))
    return labels


def _labels(root: ElementTree.Element, path: str, documents: Documents) -> Labels:
    shapes = Shapes()
    for item in root.iterfind("object"):
        box = item.find("bndbox")
        if box is None:
            shapes.unread.append("object without box")
            continue
        left, top, right, bottom = (number(box.findtext(corner)) for corner in CORNERS)
        shapes.add(item.findtext("name"), rectangle(left, top, right, bottom))
    name = root.findtext("filename") or path
    shape = picture_shape(root.findtext("size/height"), root.findtext("size/width"))
    picture = documents.files.beside(path) or documents.files.named(name, path)
    return shapes.labels(name, picture, path, shape)
