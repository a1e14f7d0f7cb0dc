"""Measures a single picture and its mask."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from ganad_station.images import UnreadableImageError, has_color, open_upright, to_pixels
from ganad_tf.data.listing import NORMAL, Picture
from ganad_tf.data.masks import marked_pixels
from ganad_tf.data.near_duplicates import thumbnail

LONGEST_SIDE = 256
"""Height or width in pixels of previews, at most."""
FEWEST_LEVELS = 4
"""A drawing with fewer levels than these is not taken for a picture with fewer bits."""
MOST_NEIGHBORS, PIXELS_PER_LEVEL = 8, 32
"""In a picture that was made from fewer bits, at most one level in so many has its neighbor, and
there are so many pixels for each level."""


@dataclass(frozen=True, eq=False)
class Preview:
    """A reduced picture to look at.

    Attributes:
        pixels: uint8 `(height, width, 3)`, RGB, 0 to 255; every n-th pixel of the picture.
        defect: bool `(height, width)`, the pixels that the mask marks; None without a good mask.
    """

    pixels: NDArray[np.uint8]
    defect: NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class PictureFacts:
    """The measurements of one picture.

    Attributes:
        picture: The entry of the listing.
        problem: Why the picture cannot be read; None if it can. All other attributes have their
            defaults if it cannot.
        shape: Height and width in pixels, after turning the picture upright.
        is_color: Whether it has more than one grey channel.
        brightness: Mean grey level, 0 to 255.
        black: Fraction of the pixels at 0, in the channel with the most.
        white: Fraction of the pixels at 255, in the channel with the most.
        few_levels: Number of levels, if it is one in two or less of those in their range, so that
            the picture was made from one with fewer bits; None otherwise.
        thumbnail: uint8 `(THUMBNAIL, THUMBNAIL)`, grey.
        mask_problem: What is wrong with the mask; None if it is good or there is none.
        defect_fraction: Fraction of the pixels that the mask marks; None without a good mask.
        preview: The reduced picture; None if it was not asked for.
    """

    picture: Picture
    problem: str | None = None
    shape: tuple[int, int] = (0, 0)
    is_color: bool = False
    brightness: float = 0.0
    black: float = 0.0
    white: float = 0.0
    few_levels: int | None = None
    thumbnail: NDArray[np.uint8] | None = None
    mask_problem: str | None = None
    defect_fraction: float | None = None
    preview: Preview | None = None


def measure(picture: Picture, with_preview: bool, white_level: int | None = None) -> PictureFacts:
    """Decode a picture, and its mask if it has one, once each.

    Args:
        picture: The entry of the listing.
        with_preview: Whether to keep a preview.
        white_level: The level of deep pictures that becomes 255, see
            `ganad_station.images.prepare_image`.
    """
    name, pixels = str(picture.path), None
    try:
        image = open_upright(picture.path, white_level)
        grey = to_pixels(image, 1, name)
        if with_preview:
            pixels = to_pixels(image, 3, name)
    except UnreadableImageError as error:
        return PictureFacts(picture, problem=str(error))
    shape = (image.height, image.width)
    mask_problem, marked = marked_pixels(picture, shape)
    counts = _histograms(image, grey)
    return PictureFacts(
        picture,
        None,
        shape,
        has_color(image),
        float(grey.mean()),
        float(counts[:, 0].max() / grey.size),
        float(counts[:, -1].max() / grey.size),
        _few_levels(counts),
        thumbnail(grey),
        mask_problem,
        None if marked is None else float(marked.mean()),
        None if pixels is None else _preview(pixels, marked),
    )


def _histograms(image: Image.Image, grey: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels at each level, int64 `(channels, 256)`."""
    shown = image if image.mode in ("L", "RGB", "RGBA") else Image.fromarray(grey)
    return np.array(shown.histogram(), np.int64).reshape(-1, 256)[:3]


def _few_levels(counts: NDArray[np.int64]) -> int | None:
    """Return the number of levels of a picture if nearly all levels beside them are empty."""
    occurs = counts > 0
    levels, neighbors = occurs.sum(axis=1), (occurs[:, 1:] & occurs[:, :-1]).sum(axis=1)
    is_sparse = (levels >= FEWEST_LEVELS) & (levels > MOST_NEIGHBORS * neighbors)
    # In a small picture, levels are missing by chance.
    is_large = counts.sum(axis=1) >= PIXELS_PER_LEVEL * levels
    return int(levels.max()) if np.all(is_sparse & is_large) else None


def _preview(pixels: NDArray[np.uint8], marked: NDArray[np.bool_] | None) -> Preview:
    step = -(-max(pixels.shape[:2]) // LONGEST_SIDE)
    defect = None
    if marked is not None and marked.any():
        # A defect that falls between two shown pixels is still to be outlined.
        defect = ndimage.maximum_filter(marked, step)[::step, ::step].copy()
    return Preview(pixels[::step, ::step].copy(), defect)


def kinds_in_order(pictures: Iterable[Picture]) -> list[str]:
    """Return the kinds of pictures, the normal kind first and the others sorted by name."""
    names = {picture.kind for picture in pictures}
    return sorted(names, key=lambda name: (name != NORMAL, name))
