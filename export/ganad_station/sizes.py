"""Sizes of images: one number for a square, or height and width."""

from typing import Tuple, Union

ImageSize = Union[int, Tuple[int, int]]
"""Height and width in pixels: an integer for a square, or a pair."""


def height_and_width(size: ImageSize) -> Tuple[int, int]:
    """Return the height and the width of images of a size."""
    if isinstance(size, int):
        return size, size
    height, width = size
    return int(height), int(width)


def in_words(size: ImageSize) -> str:
    """Return a size as it is written on the command line, such as `256` or `512x1280`."""
    height, width = height_and_width(size)
    return str(height) if height == width else f"{height}x{width}"
