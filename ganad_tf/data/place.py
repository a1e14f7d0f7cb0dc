"""Lists the pictures of a place, a folder or a CSV file, with kinds, splits, masks and groups."""

import dataclasses
import re
from collections import Counter
from pathlib import Path

from ganad_tf.data.annotations.formats import (
    Annotations,
    Notes,
    kinds_of,
    mask_of,
    read_annotations,
)
from ganad_tf.data.annotations.labels import Labels
from ganad_tf.data.csv_list import CSV_SUFFIX, is_list, read_list
from ganad_tf.data.files import Files, OnError
from ganad_tf.data.label_pictures import find_pairs, read_pairs
from ganad_tf.data.labeled import UNASSIGNED
from ganad_tf.data.layouts import (
    KINDS,
    SPLIT_FOLDERS,
    UNNAMED_KINDS,
    find_data_sets,
    find_layout,
    prescribed_splits,
    read_layout,
)
from ganad_tf.data.listing import NORMAL, Listing, Picture, examples, in_words
from ganad_tf.errors import UserError

SPLIT_NAME = re.compile(r"(?:obj_)?([a-z]+)(?:_data|\d{4})?")
"""Folders of a split, such as train, train2017 (COCO) and obj_train_data (CVAT)."""


def refuse(error: OSError) -> None:
    """Raise a `UserError` for a folder that cannot be listed."""
    raise UserError(f"{error.filename} cannot be listed: {error.strerror}")


def list_pictures(place: Path, on_error: OnError = refuse, keeps_splits: bool = False) -> Listing:
    """List the pictures of a folder or of a CSV file.

    What a folder may hold is described in docs/data.md: a layout of folders of
    `ganad_tf.data.layouts`, annotations of `ganad_tf.data.annotations`, or both, where folders say
    which kind a picture has and annotations where the defect is; or masks beside all pictures. A
    CSV file is described in `ganad_tf.data.csv_list`.

    Args:
        place: Path of the folder or of the CSV file.
        on_error: Called with the error of each subfolder that cannot be listed.
        keeps_splits: Whether the splits of the source are kept even where they leave no defects to
            train on, as in MVTec AD; otherwise, such pictures are divided.

    Returns:
        The pictures; none is opened, but masks are where they alone tell the kind.

    Raises:
        UserError: If the place is missing or cannot be listed, a file of annotations is damaged, or
            nothing says which pictures are normal.
    """
    if place.suffix.lower() == CSV_SUFFIX and place.is_file():
        return read_list(place)
    if not place.is_dir():
        raise UserError(f"{place} is not a folder: give --data-dir the folder with normal/ in it")
    files = Files(place, on_error)
    listing = _read(files)
    splits = prescribed_splits(listing.pictures, keeps_splits)
    return dataclasses.replace(
        listing,
        pictures=[dataclasses.replace(p, split=splits[p.name]) for p in listing.pictures],
        unread=files.unread(),
    )


def _read(files: Files) -> Listing:
    layout, annotations = find_layout(files), read_annotations(files)
    if layout is not None or annotations.labels:
        pictures = read_layout(files, layout) if layout is not None else []
        names = [*([layout.name] if layout is not None else []), *annotations.formats]
        listing = _with_annotations(files, pictures, annotations)
        return dataclasses.replace(listing, layout=", ".join(names))
    pairs = find_pairs(files)
    if pairs and not find_data_sets(files):
        return read_pairs(files, pairs)
    _explain(files, annotations)
    return Listing(read_layout(files, KINDS), KINDS.name)


def _with_annotations(files: Files, pictures: list[Picture], annotations: Annotations) -> Listing:
    """Add masks to the pictures of folders, and the pictures that only annotations name."""
    labels, notes = annotations.labels, Notes()
    found = [_labelled(picture, labels.get(picture.name), notes) for picture in pictures]
    in_folders = {picture.name for picture in pictures}
    covers_all = annotations.has_file_per_picture and not pictures
    for path in files.pictures:
        item = labels.get(path)
        if path in in_folders or (item is None and not covers_all):
            continue
        if item is not None:
            notes.count(item)
        kind = notes.kind_of(path, item)
        if kind is not None:
            files.used.add(path)
            mask = None if item is None else mask_of(item)
            found.append(Picture(files.root / path, path, kind, _split(path), mask))
    sentences = notes.sentences()
    if annotations.missing:
        sentences.append(f"labelled, but not in the folder: {in_words(annotations.missing)}")
    return Listing(found, "", sentences)


def _labelled(picture: Picture, item: Labels | None, notes: Notes) -> Picture:
    """Add the mask to a picture whose folder says its kind, and the kind if it has no name."""
    if item is None:
        return picture
    notes.count(item)
    kind = picture.kind
    if kind.lower() in UNNAMED_KINDS and kinds_of(item):
        kind = notes.kind_of(picture.name, item) or kind
    return dataclasses.replace(picture, kind=kind, mask=picture.mask or mask_of(item))


def _split(path: str) -> str:
    """Return the split that one of the folders of a picture names."""
    for folder in path.split("/")[:-1]:
        matched = SPLIT_NAME.fullmatch(folder.lower())
        if matched and matched[1] in SPLIT_FOLDERS:
            return SPLIT_FOLDERS[matched[1]]
    return UNASSIGNED


def _explain(files: Files, annotations: Annotations) -> None:
    """Raise `UserError` if there are pictures, but neither kinds nor labels."""
    root = files.root
    if annotations.missing:
        raise UserError(
            f"the pictures that the annotations in {root} name are not there: put them into {root} "
            f"({in_words(annotations.missing)})"
        )
    inside = find_data_sets(files)
    if inside:
        raise UserError(
            f"{root} holds a data set in each of {', '.join(inside)}: give --data-dir one of them, "
            f"such as {root / inside[0]}"
        )
    lists = [path for path in files.others if "/" not in path and is_list(root / path)]
    if files.pictures and lists:
        raise UserError(f"{root} holds a list of pictures: give --data-dir {root / lists[0]}")
    folders = Counter(path.rpartition("/")[0] for path in files.pictures)
    if not folders or any(KINDS.holds(tuple(name.split("/"))) for name in folders if name):
        return
    counts = [
        f"{count} in {name or 'the folder itself'}" for name, count in sorted(folders.items())
    ]
    good = f"train/{NORMAL}" if any(name.split("/")[0] == "train" for name in folders) else NORMAL
    others = [path for path in files.others if path not in files.used]
    unread = f"; not read: {examples(others)}" if others else ""
    raise UserError(
        f"{root} has pictures, but nothing says which of them are normal ({examples(counts)}"
        f"{unread}): put those of good parts into {root / good}, or add labels or a list, see "
        "docs/data.md"
    )
