"""YOLO: one text file per picture; each line is a class number and a box or a polygon.

Coordinates are fractions of the width and height: `class x y width height` with the centre of a
box, or `class x1 y1 x2 y2 x3 y3 ...`. The names of the classes are in `data.yaml` (Ultralytics,
Roboflow), `obj.names` (darknet, CVAT) or `classes.txt` (labelImg, Label Studio).
https://docs.ultralytics.com/datasets/detect/ and /segment/ describe the format.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from ganad_tf.data.annotations.labels import Documents, Labels, Shapes, numbers, reading
from ganad_tf.data.files import Files
from ganad_tf.data.regions import rectangle
from ganad_tf.errors import UserError

NAMES_FILE = "classes.txt"
BOX = 5
"""Numbers in the line of a box, with its class."""
LARGEST_FILE = 1 << 24
"""Bytes of a file of labels, at most."""
FURTHEST = 1.01
"""Largest coordinate; tools round, so that it may be a little above 1."""


@dataclass(frozen=True)
class _Classes:
    """The classes of a data set.

    Attributes:
        names: The name of each class by its number.
        has_keypoints: Whether keypoints follow the box in each line.
    """

    names: dict[int, str]
    has_keypoints: bool = False


def read(documents: Documents) -> list[Labels]:
    """Return the labels of all pictures that have a file of YOLO in a folder."""
    classes = _classes(documents)
    texts = _texts(documents, is_strict=classes is not None)
    if classes is None:
        if texts:
            raise UserError(
                f"{documents.files.root / next(iter(texts))} has class numbers as YOLO writes "
                f"them: write the names of the classes into {NAMES_FILE}, one per line"
            )
        return []
    return [_labels(path, text, classes, documents.files) for path, text in texts.items()]


def _texts(documents: Documents, is_strict: bool) -> dict[str, str]:
    """Return the content of label files, by path.

    Args:
        documents: The files of the folder.
        is_strict: Whether the text file of a picture is one of labels whatever is in it.
    """
    texts = {}
    for path in documents.files.others:
        name = PurePosixPath(path).name
        if not name.lower().endswith(".txt") or name == NAMES_FILE:
            continue
        place = documents.files.root / path
        if not place.is_file() or place.stat().st_size > LARGEST_FILE:
            continue  # It holds anything but labels, such as a log.
        is_expected = is_strict and documents.files.beside(path) is not None
        try:
            text = documents.text(path)
        except UserError:
            if is_expected:
                raise
            continue  # Notes of another encoding, or anything else.
        if is_expected or (text.strip() and _looks_like_labels(text)):
            texts[path] = text
    return texts


def _looks_like_labels(text: str) -> bool:
    try:
        rows = [numbers(line.split()) for line in text.splitlines() if line.strip()]
    except ValueError:
        return False
    return all(
        len(row) >= BOX and row[0] == int(row[0]) and max(map(abs, row[1:])) <= FURTHEST
        for row in rows
    )


def _classes(documents: Documents) -> _Classes | None:
    """Return the classes, None if no file names them."""
    found: dict[str, _Classes] = {}
    for path in documents.files.others:
        name = PurePosixPath(path).name.lower()
        if name.endswith((".yaml", ".yml")):
            with reading(documents.files, path, "YOLO"):
                classes = _of_yaml(documents.text(path))
            if classes is None:
                documents.files.used.discard(path)
                continue
            found[path] = classes
        elif name == NAMES_FILE or name.endswith(".names"):
            documents.files.used.add(path)
            lines = [line.strip() for line in documents.text(path).splitlines()]
            found[path] = _Classes({index: name for index, name in enumerate(lines) if name})
    if not found:
        return None
    first, *others = found
    for path in others:
        if found[path].names != found[first].names:
            root = documents.files.root
            raise UserError(f"{root / first} and {root / path} name other classes: remove one")
    return found[first]


def _of_yaml(text: str) -> _Classes | None:
    try:
        content: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split()) or "nested too deeply") from None
    if not isinstance(content, dict) or "names" not in content:
        return None
    names = content["names"]
    pairs = names.items() if isinstance(names, dict) else enumerate(names)
    return _Classes({int(key): str(name) for key, name in pairs}, "kpt_shape" in content)


def _labels(path: str, text: str, classes: _Classes, files: Files) -> Labels:
    shapes = Shapes()
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            with reading(files, path, "YOLO"):
                try:
                    _add(shapes, line, classes)
                except ValueError as error:
                    raise ValueError(f"line {number}: {error}") from None
    files.used.add(path)
    name = PurePosixPath(path).stem
    return shapes.labels(name, files.beside(path), path, is_relative=True)


def _add(shapes: Shapes, line: str, classes: _Classes) -> None:
    index, *coordinates = numbers(line.split())
    if index not in classes.names:
        raise ValueError(f"class {index:g} has no name")
    if any(abs(value) > FURTHEST for value in coordinates):
        raise ValueError("coordinates are fractions, from 0 to 1")
    kind = classes.names[int(index)]
    if classes.has_keypoints or len(coordinates) == BOX - 1:
        x, y, width, height = coordinates[: BOX - 1]
        shapes.add(kind, rectangle(x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    else:
        shapes.add_polygon(kind, coordinates)
