"""Reads lists of pictures: CSV files with one row per picture, or one per box.

A list has a header with the columns `path`, relative to the file, and `label` (normal, good, ok or
0 is normal, all else a defect) or `kind`, or both. The columns `mask`, `split` (train, test or
empty) and `group` are optional, and so are `x`, `y`, `width` and `height`: a box in pixels, from
the upper left corner of the picture. A picture with several boxes has several rows. The separator
is a comma or a semicolon.
"""

import csv
import dataclasses
import io
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ganad_tf.data.annotations.formats import kinds_of
from ganad_tf.data.annotations.labels import Labels, Region, number
from ganad_tf.data.labeled import UNASSIGNED
from ganad_tf.data.listing import (
    NORMAL,
    SPLITS,
    UNNAMED_DEFECT,
    Listing,
    Picture,
    in_words,
    is_normal_name,
)
from ganad_tf.data.regions import Polygon, Regions, rectangle
from ganad_tf.errors import UserError

CSV_SUFFIX = ".csv"
LAYOUT = "CSV list"
BOX = ("x", "y", "width", "height")
NORMAL_LABEL = "0"


def is_list(path: Path) -> bool:
    """Tell whether a file is a list of pictures, by its header."""
    if path.suffix.lower() != CSV_SUFFIX:
        return False
    try:
        with path.open(encoding="utf-8-sig") as file:
            return _has_columns(_columns(file.readline()))
    except (OSError, UnicodeDecodeError):
        return False


def read_list(place: Path) -> Listing:
    """List the pictures of a CSV file.

    Raises:
        UserError: If the file cannot be read or is not such a list.
    """
    rows: dict[str, list[Picture]] = defaultdict(list)
    try:
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{place} cannot be read as UTF-8 text: {error}") from None
    for line, picture in _rows(place, text):
        same = rows[os.path.normpath(picture.path)]
        if same:
            _check_rows(f"{place}, line {line}", same[0], picture)
        same.append(picture)
    several: list[str] = []
    pictures = [_joined(same, several) for same in rows.values()]
    notes = []
    if several:
        notes.append(
            "with boxes of several kinds, taken for the kind with the largest area: "
            f"{in_words(several)}"
        )
    return Listing(pictures, LAYOUT, notes)


def _columns(header: str) -> list[str]:
    names = next(csv.reader([header], delimiter=_separator(header)), [])
    return [name.strip().lower() for name in names]


def _has_columns(columns: list[str]) -> bool:
    return "path" in columns and bool({"label", "kind"} & set(columns))


def _separator(header: str) -> str:
    return ";" if ";" in header else ","


def _rows(place: Path, text: str) -> Iterator[tuple[int, Picture]]:
    """Yield the number of the line and the picture of each row."""
    separator = _separator(text.split("\n", 1)[0])
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        columns = [name.strip().lower() for name in next(rows, [])]
        if not _has_columns(columns):
            raise UserError(
                f"{place} is not a list of pictures: its first line must name the columns path and "
                "label or kind"
            )
        for row in rows:
            if any(cell.strip() for cell in row):
                cells = [cell.strip() for cell in row]
                yield rows.line_num, _picture_of(place, rows.line_num, columns, cells)
    except csv.Error as error:
        raise UserError(f"{place}, line {rows.line_num}: {error}") from None


def _picture_of(place: Path, line: int, columns: list[str], cells: list[str]) -> Picture:
    row = dict(zip(columns, cells, strict=False))
    path, split = row.get("path", ""), row.get("split", UNASSIGNED)
    label, kind = row.get("label", ""), row.get("kind", "")
    if not path or not label + kind or any(cells[len(columns) :]):
        raise UserError(
            f"{place}, line {line}: a picture takes a path and a label or kind, and there are no "
            "more cells than columns"
        )
    if split not in SPLITS:
        raise UserError(
            f"{place}, line {line}: split {split!r} is neither train nor test nor empty"
        )
    is_normal = _is_normal(label or kind)
    if label and kind and is_normal != _is_normal(kind):
        raise UserError(f"{place}, line {line}: label {label!r} and kind {kind!r} contradict")
    mask = place.parent / row["mask"] if row.get("mask") else None
    box = _box(f"{place}, line {line}", row)
    if box is not None and (mask is not None or is_normal):
        other = "a mask" if mask is not None else "the label of a good part"
        raise UserError(f"{place}, line {line}: a box and {other} exclude each other")
    return Picture(
        place.parent / path,
        path,
        NORMAL if is_normal else kind or UNNAMED_DEFECT,
        split,
        mask if box is None else Regions((box,)),
        row.get("group") or None,
    )


def _is_normal(label: str) -> bool:
    return label == NORMAL_LABEL or is_normal_name(label)


def _box(where: str, row: dict[str, str]) -> Polygon | None:
    cells = [row.get(name, "") for name in BOX]
    if not any(cells):
        return None
    try:
        left, top, width, height = map(number, cells)
    except ValueError:
        width = height = 0.0
    if not (width > 0 and height > 0):
        raise UserError(f"{where}: a box takes x, y, width and height in pixels")
    return rectangle(left, top, left + width, top + height)


def _check_rows(where: str, first: Picture, picture: Picture) -> None:
    """Refuse a further row of a picture that does not add a box."""
    if not all(isinstance(row.mask, Regions) for row in (first, picture)):
        raise UserError(f"{where}: {picture.name} is there twice; only boxes may have a row each")
    if (first.split, first.group) != (picture.split, picture.group):
        raise UserError(f"{where}: {picture.name} has another split or group than in another row")


def _joined(rows: list[Picture], several: list[str]) -> Picture:
    """Return the picture of its rows, and add its name to `several` if they differ in kind."""
    if len(rows) == 1:
        return rows[0]
    regions = [
        Region(row.kind, shape)
        for row in rows
        if isinstance(row.mask, Regions)
        for shape in row.mask.shapes
    ]
    name = rows[0].name
    kinds = kinds_of(Labels(name, name, "", tuple(regions)))
    if len(kinds) > 1:
        several.append(f"{name} ({', '.join(kinds)})")
    shapes = tuple(region.shape for region in regions if region.shape is not None)
    return dataclasses.replace(rows[0], kind=kinds[0], mask=Regions(shapes))
