"""The pictures of a folder or list, decoded, and which of them show the same part."""

import contextlib
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ganad_station.images import (
    UnreadableImageError,
    fit_image,
    image_shape,
    is_color,
    read_image,
    read_upright,
)
from ganad_tf.data.labeled import DEFECT_PIXEL, UNKNOWN_PIXEL, LabeledImages
from ganad_tf.data.listing import NORMAL, Picture, list_pictures
from ganad_tf.data.near_duplicates import THUMBNAIL, fingerprints, group_near_duplicates
from ganad_tf.errors import UserError

DECODERS = 2
FULL = 255
NEAR_DUPLICATES = "near-duplicates"

Found = TypeVar("Found")
logger = logging.getLogger(__name__)


def load_folder(
    size: int, channels: int | None, data_dir: Path | None, group_by: str | None = None
) -> LabeledImages:
    """Load the pictures of a folder or list, scaled to `size` x `size` pixels.

    Args:
        size: Height and width to scale to, in pixels.
        channels: 1 for grey, 3 for RGB, None for what the first normal picture is.
        data_dir: The folder or list, see `list_pictures`.
        group_by: `NEAR_DUPLICATES`, or a regular expression whose match in the name, or whose
            first group, names the part; None to take what a list says, each picture being of
            a part of its own where that is nothing.

    Returns:
        The images; kind 0 is normal. What cannot be read, listed or fit is left out with a
        warning, a mask like a picture.

    Raises:
        UserError: If the folder is missing, lacks normal or defective pictures, or holds a
            picture that cannot be grouped.
    """
    if data_dir is None:
        raise UserError(
            "the folder data set needs --data-dir, the folder with normal/ and the defect kinds"
        )
    listed = list_pictures(data_dir, _warn_of_folder)
    decoded = _for_each(listed, partial(_decode, size, channels or _channels(listed)))
    pictures = [p for p, image in zip(listed, decoded, strict=True) if image is not None]
    kinds, kind_names = _kinds(pictures, data_dir)
    masks = None
    if any(picture.mask for picture in pictures):
        masks = np.stack(_for_each(pictures, partial(_mask, size)))
    return LabeledImages(
        np.stack([image for image in decoded if image is not None]),
        kinds,
        kind_names,
        np.array([picture.split for picture in pictures]),
        np.array([picture.name for picture in pictures]),
        _groups(pictures, group_by),
        masks,
    )


def _for_each(pictures: list[Picture], read: Callable[[Picture], Found]) -> list[Found]:
    with ThreadPoolExecutor(DECODERS) as pool:
        return list(pool.map(read, pictures))


def _warn_of_folder(error: OSError) -> None:
    logger.warning("left out: %s cannot be listed (%s)", error.filename, error.strerror)


def _channels(pictures: list[Picture]) -> int:
    """Return the channels of the first normal picture that is one."""
    for picture in pictures:
        with contextlib.suppress(UnreadableImageError):
            if picture.kind == NORMAL:
                return 3 if is_color(picture.path) else 1
    return 1


def _decode(size: int, channels: int, picture: Picture) -> NDArray[np.uint8] | None:
    try:
        return read_image(picture.path, size, channels)
    except UnreadableImageError as error:
        logger.warning("left out: %s", error)
        return None


def _kinds(pictures: list[Picture], data_dir: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    kind_names = (NORMAL, *sorted({picture.kind for picture in pictures} - {NORMAL}))
    kinds = np.array([kind_names.index(picture.kind) for picture in pictures], np.int64)
    if not np.any(kinds == 0):
        raise UserError(
            f"{data_dir} has no pictures of normal parts: put them into {data_dir / NORMAL}"
        )
    if not np.any(kinds > 0):
        raise UserError(
            f"{data_dir} has no defective pictures: add a folder a defect kind beside {NORMAL}/"
        )
    return kinds, kind_names


def _mask(size: int, picture: Picture) -> NDArray[np.uint8]:
    """Return which pixels of the scaled picture are defective: those at least half of which are.

    A defect that is smaller than that everywhere is where its mask covers most.
    """
    if picture.kind == NORMAL:
        return np.zeros((size, size), np.uint8)
    marked = None if picture.mask is None else _marked(picture.mask, picture.path)
    if marked is None:
        return np.full((size, size), UNKNOWN_PIXEL, np.uint8)
    covered = fit_image(marked.astype(np.uint8) * FULL, size)[:, :, 0]
    least = min(FULL / 2, max(1, int(covered.max())))
    return np.where(covered >= least, DEFECT_PIXEL, 0).astype(np.uint8)


def _marked(mask: Path, path: Path) -> NDArray[np.bool_] | None:
    try:
        (height, width), (rows, columns) = image_shape(mask), image_shape(path)
        if (height, width) == (rows, columns):
            return read_upright(mask, 1) > 0
        reason = f"{mask} has {height} x {width} pixels, its picture {rows} x {columns}"
    except UnreadableImageError as error:
        reason = str(error)
    logger.warning("left out: mask %s", reason)
    return None


def _groups(pictures: list[Picture], group_by: str | None) -> NDArray[np.int64]:
    if group_by == NEAR_DUPLICATES:
        shapes = np.array(_for_each(pictures, lambda p: image_shape(p.path)), np.int64)
        thumbnails = _for_each(pictures, lambda p: read_image(p.path, THUMBNAIL, 1)[:, :, 0])
        return group_near_duplicates(fingerprints(np.stack(thumbnails)), shapes)
    parts = [picture.group for picture in pictures]
    if group_by is not None:
        parts = [_part_of(picture.name, group_by) for picture in pictures]
    # A name cannot hold a NUL, so that no picture without a group falls into another's.
    named = [part or f"\0{picture.name}" for part, picture in zip(parts, pictures, strict=True)]
    return np.unique(named, return_inverse=True)[1].astype(np.int64)


def _part_of(name: str, pattern: str) -> str:
    try:
        found = re.search(pattern, name)
    except re.error as error:
        raise UserError(f"--group-by {pattern!r} is no regular expression: {error}") from None
    if found is None:
        raise UserError(
            f"{name} does not match --group-by {pattern!r}: change the pattern or rename the file"
        )
    return found[1] if found.re.groups else found[0]
