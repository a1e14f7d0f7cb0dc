"""Lists the pictures of a folder or of a CSV file, with their kinds, splits, masks and groups.

A folder holds `normal/` and one folder per defect kind, with masks in `masks/<kind>/<name>.png` or
beside the pictures in `<name>_mask.png`. Or it has the layout of MVTec AD (Bergmann et al., CVPR
2019): `train/good`, `test/good`, `test/<kind>` and `ground_truth/<kind>/<name>_mask.png`.
"""

import csv
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ganad_station.images import IMAGE_SUFFIXES
from ganad_tf.data.labeled import UNASSIGNED
from ganad_tf.errors import UserError

NORMAL = "normal"
NORMAL_NAMES = frozenset({NORMAL, "good", "ok", "0"})
UNNAMED_DEFECT = "defect"
MASKS, MVTEC_MASKS, MASK_ENDING = "masks", "ground_truth", "_mask"
CSV_SUFFIX = ".csv"
OnError = Callable[[OSError], None]

SPLITS = (UNASSIGNED, "train", "test")


@dataclass(frozen=True)
class Picture:
    """An entry of the listing: a file that shows a part.

    Attributes:
        path: Path of the file.
        name: Its path relative to the folder, or as it is written in the list.
        kind: `NORMAL`, or the name of the kind of defect.
        split: The prescribed split: `"train"`, `"test"`, or `UNASSIGNED`.
        mask: Path of a picture that is not 0 where the defect is, None if there is none.
        group: Name of the part that the picture shows; None if the source names none.
    """

    path: Path
    name: str
    kind: str
    split: str = UNASSIGNED
    mask: Path | None = None
    group: str | None = None


def refuse(error: OSError) -> None:
    """Raise a `UserError` for a folder that cannot be listed."""
    raise UserError(f"{error.filename} cannot be listed: {error.strerror}")


def list_pictures(place: Path, on_error: OnError = refuse) -> list[Picture]:
    """List the pictures of a folder or of a CSV file.

    A CSV file has a header with the columns `path`, relative to the file, and `label` (normal,
    good, ok or 0 is normal, all else a defect) or `kind`, or both. The columns `mask`, `split`
    (train, test or empty) and `group` are optional. The separator is a comma or a semicolon.

    Args:
        place: Path of the folder or of the CSV file.
        on_error: Called with the error of each subfolder that cannot be listed.

    Returns:
        The pictures, none of which is opened, in an order that depends on their names alone.

    Raises:
        UserError: If the place is missing or cannot be listed, or the file is not such a list.
    """
    if place.suffix.lower() == CSV_SUFFIX and place.is_file():
        return list(_listed(place))
    if not place.is_dir():
        raise UserError(f"{place} is not a folder: give --data-dir the folder with normal/ in it")

    def report(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            on_error(error)

    walk = _mvtec if (place / "train").is_dir() else _plain
    return list(walk(place, report))


def _plain(root: Path, on_error: OnError) -> Iterator[Picture]:
    for folder in _subfolders(root, on_error):
        for path, mask in _with_masks(folder, root / MASKS / folder.name, "", on_error):
            yield Picture(path, _below(root, path), folder.name, mask=mask)


def _mvtec(root: Path, on_error: OnError) -> Iterator[Picture]:
    good = root / "train" / "good"
    for path, mask in _with_masks(good, root / MVTEC_MASKS / "good", MASK_ENDING, on_error):
        yield Picture(path, _below(root, path), NORMAL, "train", mask)
    for folder in _subfolders(root / "test", on_error):
        kind, split = (NORMAL, "test") if folder.name == "good" else (folder.name, UNASSIGNED)
        masks = root / MVTEC_MASKS / folder.name
        for path, mask in _with_masks(folder, masks, MASK_ENDING, on_error):
            yield Picture(path, _below(root, path), kind, split, mask)


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _with_masks(
    folder: Path, masks: Path, ending: str, on_error: OnError
) -> Iterator[tuple[Path, Path | None]]:
    """Pair the pictures of a folder with their masks: those in `masks`, else those beside them."""
    pictures = _pictures(folder, on_error)
    apart = {path.with_suffix(""): path for path in _pictures(masks, on_error)}
    beside = {path.with_suffix(""): path for path in pictures}
    stems = set(beside)
    for path in pictures:
        stem = path.with_suffix("")
        if not _is_mask_of_another(stem, stems):
            below = masks / stem.relative_to(folder)
            own = beside.get(stem.with_name(stem.name + MASK_ENDING))
            yield path, apart.get(below.with_name(below.name + ending), own)


def _is_mask_of_another(stem: Path, stems: set[Path]) -> bool:
    name = stem.name.removesuffix(MASK_ENDING)
    return name not in ("", stem.name) and stem.with_name(name) in stems


def _subfolders(root: Path, on_error: OnError) -> list[Path]:
    try:
        return sorted(p for p in root.iterdir() if p.is_dir() and _holds_parts(p.name))
    except OSError as error:
        on_error(error)
        return []


def _pictures(folder: Path, on_error: OnError) -> list[Path]:
    pictures = []
    for parent, folders, files in os.walk(folder, onerror=on_error):
        folders[:] = [name for name in folders if _holds_parts(name)]
        paths = (Path(parent, name) for name in files if not name.startswith("."))
        pictures += [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(pictures)


def _holds_parts(folder_name: str) -> bool:
    return folder_name not in (MASKS, MVTEC_MASKS) and not folder_name.startswith(".")


def _listed(place: Path) -> Iterator[Picture]:
    try:
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{place} cannot be read as UTF-8 text: {error}") from None
    header = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",")
    try:
        columns = [name.strip().lower() for name in next(rows, [])]
        if "path" not in columns or not {"label", "kind"} & set(columns):
            raise UserError(
                f"{place} is not a list of pictures: its first line must name the columns path and "
                "label or kind"
            )
        seen: set[str] = set()
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            picture = _picture_of(place, rows.line_num, columns, [cell.strip() for cell in row])
            file = os.path.normpath(picture.path)
            if file in seen:
                raise UserError(f"{place}, line {rows.line_num}: {picture.name} is there twice")
            seen.add(file)
            yield picture
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
    is_normal = (label or kind).lower() in NORMAL_NAMES
    if label and kind and is_normal != (kind.lower() in NORMAL_NAMES):
        raise UserError(f"{place}, line {line}: label {label!r} and kind {kind!r} contradict")
    return Picture(
        place.parent / path,
        path,
        NORMAL if is_normal else kind or UNNAMED_DEFECT,
        split,
        place.parent / row["mask"] if row.get("mask") else None,
        row.get("group") or None,
    )
