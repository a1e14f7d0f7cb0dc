"""Loads the pictures of a folder or list, with their masks and the parts that they show."""

import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganad_station.fitting import Box, OtherSizeError, box_of, boxes_of, check_native, surround
from ganad_station.images import (
    UnreadableImageError,
    fit_image,
    is_color,
    open_upright,
    to_pixels,
)
from ganad_station.measurements import measure_picture
from ganad_station.printing import printable
from ganad_tf.config import DataConfig
from ganad_tf.data.labeled import UNKNOWN_PIXEL, LabeledImages
from ganad_tf.data.listing import NORMAL, Listing, Picture, describe_unread
from ganad_tf.data.masks import fit_mask, marked_pixels
from ganad_tf.data.near_duplicates import thumbnail
from ganad_tf.data.parts import check_pattern, join_near_duplicates, number_parts, part_of
from ganad_tf.data.place import list_pictures
from ganad_tf.errors import UserError

DECODERS = 2
"""Threads that decode; Pillow lets others run meanwhile."""
NEAR_DUPLICATES = "near-duplicates"
OTHER_SIZE_REMEDY = (
    "give their height and width with --size, or choose --fit stretch or --fit letterbox"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Decoded:
    """All that is taken from the one decoding of a picture.

    Attributes:
        picture: The entry of the listing.
        image: uint8 `(height, width, channels)`, 0 to 255.
        shape: Height and width of the picture in pixels, before scaling.
        mask: uint8 `(height, width)`, see `LabeledImages.masks`; None for an anomaly without a
            mask.
        thumbnail: uint8 `(THUMBNAIL, THUMBNAIL)`; None unless near duplicates are grouped.
        measurements: float32 `(MEASUREMENTS,)`, see `ganad_station.measurements.measure`.
    """

    picture: Picture
    image: NDArray[np.uint8]
    shape: tuple[int, int]
    mask: NDArray[np.uint8] | None
    thumbnail: NDArray[np.uint8] | None
    measurements: NDArray[np.float32]


def load_folder(config: DataConfig) -> LabeledImages:
    """Load the pictures of a folder or list, scaled to one size; each is decoded once.

    Args:
        config: The folder or list in `data_dir`, see `list_pictures`; `size` in pixels; `channels`,
            None for those of the first normal picture; `levels`, see
            `ganad_tf.data.depth.settle_levels`; and `group_by`: `near-duplicates`, or a
            regular expression whose match in the name, or whose first group, names the part; None
            for the groups of the list, in which each picture without a group shows its own part.

    Returns:
        The images; kind 0 is normal. Pictures and masks that cannot be read, listed or fit are left
        out with a warning.

    Raises:
        UserError: If the folder is missing, lacks normal or defective pictures, or holds a picture
            of which the part cannot be told; if one has another size and the fit is `native`; or
            if `normal_class` is not 0.
    """
    data_dir = _check(config)
    listing = list_pictures(data_dir, _warn_of_folder, config.keeps_splits)
    _log(listing)
    read = partial(_decode, config, config.channels or _channels(listing.pictures))
    with ThreadPoolExecutor(DECODERS) as pool:
        found = [decoded for decoded in pool.map(read, listing.pictures) if decoded is not None]
    kinds, kind_names = _kinds(config, listing.layout, [decoded.picture for decoded in found])
    return LabeledImages(
        np.stack([decoded.image for decoded in found]),
        kinds,
        kind_names,
        np.array([decoded.picture.split for decoded in found]),
        np.array([decoded.picture.name for decoded in found]),
        _groups(config.group_by, found),
        _masks(config.shape, found),
        np.stack([decoded.measurements for decoded in found]),
        boxes_of([decoded.shape for decoded in found], config.shape, config.fit),
    )


def _check(config: DataConfig) -> Path:
    """Return the folder or list, once the settings are known to fit pictures in folders."""
    if not config.data_dir:
        raise UserError(
            "the folder data set needs --data-dir, the folder with normal/ and the defect kinds"
        )
    if config.normal_class != 0:
        raise UserError(
            "in a folder the normal pictures are those in normal/: leave out --normal-class"
        )
    if config.group_by is not None and config.group_by != NEAR_DUPLICATES:
        check_pattern(config.group_by)
    return Path(config.data_dir)


def _warn_of_folder(error: OSError) -> None:
    logger.warning(
        "left out: %s cannot be listed (%s)", printable(str(error.filename)), error.strerror
    )


def _log(listing: Listing) -> None:
    """Log how the place was read, and what is not used."""
    logger.info("pictures are read as: %s", listing.layout)
    for note in listing.notes:
        logger.warning("%s", printable(note))
    if listing.unread:
        logger.warning("not used: %s", printable(describe_unread(listing.unread)))


def _channels(pictures: Sequence[Picture]) -> int:
    """Return the channels of the first normal picture with a readable header, 1 without any."""
    for picture in pictures:
        with contextlib.suppress(UnreadableImageError):
            if picture.kind == NORMAL:
                return 3 if is_color(picture.path) else 1
    return 1


def _decode(config: DataConfig, channels: int, picture: Picture) -> _Decoded | None:
    """Decode a picture, and its mask; return None, with a warning, if it cannot be read."""
    name, grey = str(picture.path), None
    try:
        decoded = open_upright(picture.path, config.levels)
        pixels = to_pixels(decoded, channels, name)
        check_native(pixels.shape[:2], config.shape, config.fit, name)
        box = box_of(pixels.shape[:2], config.shape, config.fit)
        scaled = fit_image(pixels, (box.height, box.width))
        if config.group_by == NEAR_DUPLICATES:
            grey = to_pixels(decoded, 1, name)
    except OtherSizeError as error:
        raise UserError(f"{printable(str(error))}: {OTHER_SIZE_REMEDY}") from None
    except UnreadableImageError as error:
        logger.warning("left out: %s", printable(str(error)))
        return None
    shape = (decoded.height, decoded.width)
    return _Decoded(
        picture,
        surround(scaled, box, config.shape),
        shape,
        _mask(config.shape, box, picture, shape),
        None if grey is None else thumbnail(grey),
        measure_picture(decoded, scaled),
    )


def _mask(
    size: tuple[int, int], box: Box, picture: Picture, shape: tuple[int, int]
) -> NDArray[np.uint8] | None:
    """Return the scaled mask of a picture; masks that do not fit are left out with a warning."""
    fitted = np.zeros(size, np.uint8)
    if picture.kind == NORMAL:
        return fitted
    problem, marked = marked_pixels(picture, shape)
    if problem is not None:
        logger.warning("left out: mask of %s, which %s", printable(picture.name), problem)
    if marked is None:
        return None
    box.cut(fitted)[...] = fit_mask(marked, (box.height, box.width))
    return fitted


def _kinds(
    config: DataConfig, layout: str, pictures: Sequence[Picture]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    place = Path(str(config.data_dir))
    kind_names = (NORMAL, *sorted({picture.kind for picture in pictures} - {NORMAL}))
    kinds = np.array([kind_names.index(picture.kind) for picture in pictures], np.int64)
    if not np.any(kinds == 0):
        raise UserError(
            f"{place}, read as {layout}, has no pictures of normal parts: put them into a folder "
            f"{NORMAL}, or add pictures without any region to the annotations"
        )
    if config.anomaly_source != "synthetic" and not kinds.any():
        raise UserError(
            f"{place}, read as {layout}, has no defective pictures: add a folder per kind of "
            "defect, or train on synthetic ones with --anomalies synthetic"
        )
    return kinds, kind_names


def _masks(size: tuple[int, int], found: Sequence[_Decoded]) -> NDArray[np.uint8] | None:
    if not any(decoded.picture.mask for decoded in found):
        return None
    unknown = np.full(size, UNKNOWN_PIXEL, np.uint8)
    return np.stack([unknown if item.mask is None else item.mask for item in found])


def _groups(group_by: str | None, found: Sequence[_Decoded]) -> NDArray[np.int64]:
    pictures = [decoded.picture for decoded in found]
    if group_by == NEAR_DUPLICATES:
        thumbnails = [item.thumbnail for item in found if item.thumbnail is not None]
        return join_near_duplicates(pictures, thumbnails, [item.shape for item in found])
    if group_by is not None:
        return number_parts(pictures, [part_of(picture.name, group_by) for picture in pictures])
    return number_parts(pictures, [picture.group for picture in pictures])
