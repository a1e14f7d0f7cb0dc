"""Reads and scales masks: pictures that are not 0 where the defect is."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ganad_station.images import UnreadableImageError, fit_image, open_upright
from ganad_station.sizes import ImageSize
from ganad_tf.data.labeled import DEFECT_PIXEL
from ganad_tf.data.listing import NORMAL, Picture
from ganad_tf.data.regions import Regions, render

FULL = 255
LOSSY_SUFFIXES = (".jpg", ".jpeg", ".webp")
ALPHA_MODES = {"LA": "L", "PA": "RGB", "P": "RGB", "RGBA": "RGB", "CMYK": "RGB"}
ANY_NEIGHBOUR = np.ones((3, 3))


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Read which pixels a mask marks: those that are not 0.

    Args:
        path: A picture in any mode. Any level above 0 marks a pixel; in lossy formats, any
            level above 127. Transparency does not count.

    Returns:
        bool `(height, width)`.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    image = open_upright(path)
    levels = np.asarray(image.convert(ALPHA_MODES.get(image.mode, image.mode)))
    if levels.ndim == 3:
        levels = levels.max(axis=2)
    return levels > FULL // 2 if path.suffix.lower() in LOSSY_SUFFIXES else levels != 0


def label_regions(marked: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Label the regions of marked pixels that touch, at corners too.

    Args:
        marked: bool `(height, width)`.

    Returns:
        The number of the region of each pixel, int32 `(height, width)`, from 1, or 0 where it is
        not marked; and the number of regions.
    """
    return ndimage.label(marked, ANY_NEIGHBOUR)


def fit_mask(marked: NDArray[np.bool_], size: ImageSize) -> NDArray[np.uint8]:
    """Scale a mask to a size.

    A scaled pixel is defective if at least half of its area is marked. So that no region of marked
    pixels is lost, one that reaches this nowhere marks the scaled pixel that holds most of it.

    Args:
        marked: bool `(height, width)`.
        size: Size to scale to, in pixels.

    Returns:
        uint8 `(height, width)`, 0 or `DEFECT_PIXEL`.
    """
    fitted = fit_image(marked.astype(np.uint8) * FULL, size)[:, :, 0] > FULL // 2
    labels, count = label_regions(marked)
    rows, columns = (
        np.arange(length) * fitted_length // length
        for length, fitted_length in zip(marked.shape, fitted.shape, strict=True)
    )
    cells = rows[:, np.newaxis] * fitted.shape[1] + columns
    for region in range(1, count + 1):
        inside = cells[labels == region]
        if not fitted.flat[inside].any():
            fitted.flat[np.bincount(inside).argmax()] = True
    return np.where(fitted, DEFECT_PIXEL, 0).astype(np.uint8)


def marked_pixels(
    picture: Picture, shape: tuple[int, int]
) -> tuple[str | None, NDArray[np.bool_] | None]:
    """Read or draw the mask of a picture, and check it against the picture.

    Args:
        picture: The entry of the listing.
        shape: Height and width of the picture in pixels.

    Returns:
        A description of what is wrong with the mask, None if it is good; and the marked pixels,
        bool `(height, width)`, None if the mask is missing or wrong.
    """
    if picture.mask is None:
        return None, None
    if isinstance(picture.mask, Regions):
        drawn_on = picture.mask.shape or shape
    else:
        try:
            marked = read_mask(picture.mask)
        except UnreadableImageError as error:
            return str(error), None
        drawn_on = marked.shape
    if drawn_on != shape:
        height, width = drawn_on
        return f"has {height} x {width} pixels, the picture {shape[0]} x {shape[1]}", None
    if isinstance(picture.mask, Regions):
        marked = render(picture.mask, shape)
    if picture.kind == NORMAL and marked.any():
        return "marks a defect of a normal part", None
    if picture.kind != NORMAL and not marked.any():
        return "marks nothing", None
    return None, marked
