"""The pictures of a folder or list, decoded, and which of them show the same part."""

import contextlib
import logging
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
    is_color,
    prepare_image,
    read_upright,
)
from ganad_station.printing import printable
from ganad_tf.data.labeled import UNKNOWN_PIXEL, LabeledImages
from ganad_tf.data.listing import NORMAL, Picture, list_pictures
from ganad_tf.data.masks import fit_mask, marked_pixels
from ganad_tf.data.near_duplicates import THUMBNAIL
from ganad_tf.data.parts import check_pattern, join_near_duplicates, number_parts, part_of
from ganad_tf.errors import UserError

DECODERS = 2
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
    if group_by is not None and group_by != NEAR_DUPLICATES:
        check_pattern(group_by)
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
    logger.warning(
        "left out: %s cannot be listed (%s)", printable(str(error.filename)), error.strerror
    )


def _channels(pictures: list[Picture]) -> int:
    """Return the channels of the first normal picture that is one."""
    for picture in pictures:
        with contextlib.suppress(UnreadableImageError):
            if picture.kind == NORMAL:
                return 3 if is_color(picture.path) else 1
    return 1


def _decode(size: int, channels: int, picture: Picture) -> NDArray[np.uint8] | None:
    try:
        return prepare_image(picture.path, size, channels)
    except UnreadableImageError as error:
        logger.warning("left out: %s", printable(str(error)))
        return None


def _kinds(pictures: list[Picture], data_dir: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    kind_names = (NORMAL, *sorted({picture.kind for picture in pictures} - {NORMAL}))
    kinds = np.array([kind_names.index(picture.kind) for picture in pictures], np.int64)
    if not np.any(kinds == 0):
        raise UserError(
            f"{data_dir} has no pictures of normal parts: put them into {data_dir / NORMAL}"
        )
    return kinds, kind_names


def _mask(size: int, picture: Picture) -> NDArray[np.uint8]:
    """Return the mask of a picture as `LabeledImages` has it; what does not fit is left out."""
    if picture.kind == NORMAL:
        return np.zeros((size, size), np.uint8)
    if picture.mask is None:
        return np.full((size, size), UNKNOWN_PIXEL, np.uint8)
    problem, marked = marked_pixels(picture, read_upright(picture.path, 1).shape)
    if problem is not None:
        logger.warning("left out: mask of %s, which %s", printable(picture.name), problem)
    return (
        np.full((size, size), UNKNOWN_PIXEL, np.uint8) if marked is None else fit_mask(marked, size)
    )


def _groups(pictures: list[Picture], group_by: str | None) -> NDArray[np.int64]:
    if group_by == NEAR_DUPLICATES:
        thumbnails, shapes = zip(*_for_each(pictures, _thumbnail), strict=True)
        return join_near_duplicates(pictures, thumbnails, shapes)
    if group_by is not None:
        return number_parts(pictures, [part_of(picture.name, group_by) for picture in pictures])
    return number_parts(pictures, [picture.group for picture in pictures])


def _thumbnail(picture: Picture) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    grey = read_upright(picture.path, 1)
    return fit_image(grey, THUMBNAIL)[:, :, 0], (grey.shape[0], grey.shape[1])
