"""Pictures with more than 8 bits per channel, and how their levels become 8 bits.

The levels of a camera with 10, 12 or 14 bits do not fill the 16 bits of a file. They are mapped to
8 bits linearly, from 0 to the white level, in integers, so that any machine gets the same pixels.
Levels above the white level become 255.
"""

import io
import sys
from functools import lru_cache
from typing import Any, Optional

import numpy as np
from PIL import Image

LARGEST_LEVEL = 65535
FULL_LEVELS = (255, 1023, 4095, 16383, LARGEST_LEVEL)
"""The largest levels of 8, 10, 12, 14 and 16 bits."""
FEWEST_BITS = 8
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B")
GREY_AND_ALPHA = "LA;16B"
COLOR_LAYOUTS = ("RGB;16", "RGBX;16", "RGBA;16")
"""Layouts of color files of which the levels can be read, without their byte order."""
BITS_PER_SAMPLE, PLANAR_CONFIGURATION, SEPARATE = 258, 284, 2
"""Tags of TIFF 6.0, and the value of the second one for colors that lie one after the other."""
PLANES = "16 bits per color in separate planes cannot be read: save the colors of a pixel together"


def is_deep(image: Image.Image) -> bool:
    """Return whether a Pillow image has more than 8 bits per channel.

    Args:
        image: An image that is opened and, if it has colors, not loaded yet: loading takes the
            upper 8 bits of such pictures, and nothing tells afterwards.
    """
    return image.mode in DEEP_MODES or ";16" in _layout(image) or _has_deep_planes(image)


def read_levels(image: Image.Image) -> Optional[np.ndarray]:
    """Load an image, and return the levels of its pixels if they have more than 8 bits.

    Args:
        image: An opened image, not loaded yet, see `is_deep`.

    Returns:
        uint16 `(height, width)` (grey) or `(height, width, 3)` (RGB), without transparency; None
        for an image with 8 bits.

    Raises:
        ValueError: If there are levels below 0 or above 65,535, or the layout cannot be read.
    """
    layout = _layout(image)
    if image.mode in DEEP_MODES:
        return grey_levels(image)
    if _has_deep_planes(image):
        raise ValueError(PLANES)
    if ";16" not in layout:
        image.load()
        return None
    if layout != GREY_AND_ALPHA and layout[:-1] not in COLOR_LAYOUTS:
        raise ValueError(f"16 bits as {layout} cannot be read: save it as grey or RGB")
    twin = _reopened(image)
    if layout == GREY_AND_ALPHA:
        # The four bytes of a pixel, as if they were four channels.
        _set_layout(twin, "RGBA")
        upper, lower = np.asarray(twin)[:, :, 0], np.asarray(twin)[:, :, 1]
    else:
        # Pillow keeps the upper byte of each level. With the other byte order, it is the lower one.
        _set_layout(twin, layout[:-1] + _other_order(layout[-1]))
        upper, lower = np.asarray(image)[:, :, :3], np.asarray(twin)[:, :, :3]
    image.load()
    return upper.astype(np.uint16) << np.uint16(8) | lower


def refuse_misread(image: Image.Image) -> None:
    """Raise `ValueError` for an image that is not loaded yet if Pillow would misread it."""
    if _has_deep_planes(image) and ";16" not in _layout(image):
        raise ValueError(PLANES)


def grey_levels(image: Image.Image) -> np.ndarray:
    """Return the levels of an image in one of `DEEP_MODES`.

    Returns:
        uint16 `(height, width)`.

    Raises:
        ValueError: If there are levels below 0 or above 65,535.
    """
    levels = np.asarray(image)
    if levels.min() < 0 or levels.max() > LARGEST_LEVEL:
        raise ValueError("more than 16 bits per pixel: save it with 8 or 16 bits")
    return levels.astype(np.uint16)


def to_8_bits(levels: np.ndarray, white_level: int) -> np.ndarray:
    """Map levels linearly to 8 bits, rounded to the nearest one.

    Args:
        levels: uint16 of any shape.
        white_level: The level that becomes 255, 1 to 65,535; those above it become 255, too.

    Returns:
        uint8 of the same shape.
    """
    return _table(white_level)[levels]


def find_white_level(largest: int, used_bits: int) -> int:
    """Find the white level of pictures.

    It is the largest level of 8, 10, 12, 14 or 16 bits, whichever is the smallest that holds all
    levels. Levels that were shifted to the upper bits, such as 12 bits in 16, have zeros in the
    lower bits, and so does their white level: 65,520.

    Args:
        largest: The largest level that occurs, 0 to 65,535.
        used_bits: The bits that occur, the bitwise or of all levels.
    """
    full = next(level for level in FULL_LEVELS if largest <= level)
    lowest_bit = used_bits & -used_bits
    unused = min(max(lowest_bit.bit_length() - 1, 0), full.bit_length() - FEWEST_BITS)
    return full >> unused << unused


def describe_white_level(white_level: int) -> str:
    """Describe a white level in words, such as `white level 4095, 12 bits`."""
    words, bits = f"white level {white_level}", white_level.bit_length()
    unused = (white_level & -white_level).bit_length() - 1
    if white_level != (1 << bits) - (1 << unused):
        return words
    return f"{words}, {bits - unused} bits" + (f" in the upper bits of {bits}" if unused else "")


def _has_deep_planes(image: Any) -> bool:
    """Return whether the colors of a TIFF file with more than 8 bits lie one after the other.

    Pillow takes the bytes of such a file for levels, unless it is compressed.
    """
    tags = getattr(image, "tag_v2", {})
    is_planar = tags.get(PLANAR_CONFIGURATION) == SEPARATE
    return is_planar and bool(np.max(tags.get(BITS_PER_SAMPLE, 1)) > FEWEST_BITS)


@lru_cache(maxsize=4)
def _table(white_level: int) -> np.ndarray:
    levels = np.minimum(np.arange(LARGEST_LEVEL + 1), white_level)
    return ((levels * 255 + white_level // 2) // white_level).astype(np.uint8)


def _layout(image: Image.Image) -> str:
    """Return how the pixels lie in the file, a raw mode of Pillow; empty for a loaded image."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return ""
    arguments = tiles[0][3]
    if isinstance(arguments, tuple) and arguments:
        arguments = arguments[0]
    return arguments if isinstance(arguments, str) else ""


def _reopened(image: Any) -> Image.Image:
    """Open the file of an image a second time; the image itself stays as it is."""
    place = image.fp.tell()
    image.fp.seek(0)
    content = image.fp.read()
    image.fp.seek(place)
    return Image.open(io.BytesIO(content), formats=(image.format,))


def _set_layout(image: Any, layout: str) -> None:
    """Have the pixels of an image that is not loaded yet read as if they lay otherwise."""
    for index, tile in enumerate(image.tile):
        arguments = tile[3]
        changed = (layout, *arguments[1:]) if isinstance(arguments, tuple) else layout
        make = getattr(tile, "_make", tuple)
        image.tile[index] = make((*tile[:3], changed))


def _other_order(order: str) -> str:
    if order == "N":
        order = "L" if sys.byteorder == "little" else "B"
    return "B" if order == "L" else "L"
