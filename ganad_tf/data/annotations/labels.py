"""What a file of annotations says about a picture, and help to read such files."""

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ganad_station.images import LARGEST_PIXELS
from ganad_tf.data.files import Files
from ganad_tf.data.regions import Bitmap, Polygon, polygon
from ganad_tf.errors import UserError, reason

LARGEST_COORDINATE = 1e7


@dataclass(frozen=True, eq=False)
class Region:
    """A region of a picture.

    Attributes:
        kind: Name of its class.
        shape: Where it is; None if the class is that of the whole picture.
    """

    kind: str
    shape: Polygon | Bitmap | None


@dataclass(frozen=True, eq=False)
class Labels:
    """What a file of annotations says about one picture.

    Attributes:
        name: Name of the picture in the file.
        path: Path of the picture relative to the folder; None if it is not there.
        file: Path of the file of annotations relative to the folder.
        regions: The regions; none for a picture without defects.
        shape: Height and width of the picture in pixels, as the file says; None if it does not.
        is_relative: Whether coordinates are fractions of width and height.
        unread: Types of shapes that mark no area, such as points and lines, one per shape.
    """

    name: str
    path: str | None
    file: str
    regions: tuple[Region, ...]
    shape: tuple[int, int] | None = None
    is_relative: bool = False
    unread: tuple[str, ...] = ()


@dataclass
class Shapes:
    """Collects the regions of a picture, and the types of shapes that mark no area."""

    regions: list[Region] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def labels(
        self,
        name: str,
        path: str | None,
        file: str,
        shape: tuple[int, int] | None = None,
        is_relative: bool = False,
    ) -> Labels:
        """Return the labels of the picture; for the arguments, see `Labels`."""
        return Labels(name, path, file, tuple(self.regions), shape, is_relative, tuple(self.unread))

    def add(self, kind: Any, shape: Polygon | Bitmap | None) -> None:
        """Add a region of a class, or the class of the whole picture."""
        if not isinstance(kind, str) or not kind.strip():
            raise ValueError(f"{kind!r} is not the name of a class")
        self.regions.append(Region(kind.strip(), shape))

    def add_polygon(self, kind: Any, coordinates: list[float]) -> None:
        """Add the polygon with the corners x, y, x, y, ...; one of two points marks no area."""
        if len(coordinates) in (2, 4):
            self.unread.append("polygon of fewer than three points")
        else:
            self.add(kind, polygon(coordinates))


class Documents:
    """The JSON and XML files of a folder, each parsed once.

    Attributes:
        files: The files of the folder.
    """

    def __init__(self, files: Files) -> None:
        self.files = files

    @cached_property
    def json(self) -> dict[str, Any]:
        """The content of each JSON file, by its path relative to the folder."""
        return {path: _parse_json(self.files.root / path) for path in self._with(".json")}

    @cached_property
    def xml(self) -> dict[str, ElementTree.Element]:
        """The root element of each XML file, by its path relative to the folder."""
        return {path: _parse_xml(self.files.root / path) for path in self._with(".xml")}

    def _with(self, suffix: str) -> list[str]:
        return [path for path in self.files.others if path.lower().endswith(suffix)]

    def text(self, path: str) -> str:
        """Read a text file.

        Args:
            path: Its path relative to the folder.

        Raises:
            UserError: If it cannot be read as UTF-8.
        """
        return read_text(self.files.root / path)


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        UserError: If it cannot be read as UTF-8.
    """
    try:
        return _read(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as UTF-8 text: {reason(error)}") from None


def _read(path: Path) -> bytes:
    if not path.is_file():  # Reading a pipe would block until something is written.
        raise OSError("not a regular file")
    return path.read_bytes()


def _parse_json(path: Path) -> Any:
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is not JSON ({reason(error)}): repair it, or move it out of the folder"
        ) from None


class _WithoutDefinitions(ElementTree.TreeBuilder):
    """Refuses definitions of document types, with which a few bytes can make gigabytes."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(f"it defines a document type, {name}")


def _parse_xml(path: Path) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_WithoutDefinitions())  # noqa: S314 (which is safe)
    try:
        # In bytes, since the file may declare another encoding than UTF-8.
        parser.feed(_read(path))
        root: ElementTree.Element = parser.close()
    except (OSError, ValueError, LookupError, ElementTree.ParseError, RecursionError) as error:
        raise UserError(
            f"{path} is not XML that can be read ({reason(error)}): repair it, or move it out of "
            "the folder"
        ) from None
    return root


@contextmanager
def reading(files: Files, file: str, tool: str) -> Iterator[None]:
    """Turn what is missing or of a wrong type in a file of annotations into a `UserError`.

    Args:
        files: The files of the folder.
        file: Path of the file of annotations relative to the folder; it counts as used.
        tool: Name of the format.
    """
    files.used.add(file)
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        missing = f"{error} is missing" if isinstance(error, KeyError) else reason(error)
        raise UserError(
            f"{files.root / file} is not as {tool} writes it ({missing}): export it again, or move "
            "it out of the folder"
        ) from None


def number(value: Any) -> float:
    """Return a coordinate or length, from a number or from text.

    Raises:
        ValueError: If it is none, or too large for a picture.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is not a number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not abs(found) <= LARGEST_COORDINATE:
        raise ValueError(f"{value!r} is not a coordinate")
    return found


def numbers(values: Iterable[Any]) -> list[float]:
    """Return coordinates, see `number`."""
    return [number(value) for value in values]


def picture_shape(height: Any, width: Any) -> tuple[int, int] | None:
    """Return height and width in pixels as a file states them, None if one is missing or 0.

    Raises:
        ValueError: If these are not the sides of a picture.
    """
    if not height or not width:
        return None
    rows, columns = int(number(height)), int(number(width))
    if rows < 0 or columns < 0 or rows * columns > LARGEST_PIXELS:
        raise ValueError(f"{rows} x {columns} pixels is not the size of a picture")
    return (rows, columns) if rows and columns else None
