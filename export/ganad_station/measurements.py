"""Measuring what a picture looks like, before its illumination is evened out."""

from typing import List, Optional, Tuple

import numpy as np
from PIL import Image

from ganad_station.fitting import STRETCH, box_of, check_native, surround
from ganad_station.illumination import AS_TAKEN, even_out
from ganad_station.images import NEAREST, Picture, fit_image, has_color, open_picture, to_pixels
from ganad_station.sizes import ImageSize

GRID, CELLS = 8, 4
"""Rows and columns of the grids in which mean levels and contrasts are measured."""
SAMPLE = 64
"""Rows and columns of pixels from which the color of a picture is taken if its model is grey."""
MEASURES = (
    "height", "width", "color", "red", "blue", "contrast", "across", "down", "black", "white",
)  # fmt: skip
"""The measurements of the whole picture: height and width before scaling; mean difference of the
largest and the smallest channel, of red and green, and of blue and green; standard deviation; mean
absolute second difference from left to right, and from top to bottom; fraction of the pixels at 0,
and at 255, in the channel with the most."""
MEASUREMENTS = len(MEASURES) + GRID**2 + CELLS**2
"""Number of measurements of a picture, see `measure`."""


def prepare_and_measure(
    picture: Picture,
    size: ImageSize,
    channels: int,
    illumination: str = AS_TAKEN,
    white_level: Optional[int] = None,
    fit: str = STRETCH,
) -> Tuple[np.ndarray, np.ndarray]:
    """Prepare a picture for a model, and measure it.

    Args:
        picture: See `ganad_station.images.prepare_image`.
        size: Height and width of the image in pixels, or one number for squares.
        channels: 1 for grey, 3 for RGB.
        illumination: How the picture is evened out, see `ganad_station.illumination.even_out`.
        white_level: See `ganad_station.images.prepare_image`.
        fit: How the picture is fitted into the image, see `ganad_station.fitting`.

    Returns:
        The image that the model takes, and the measurements, float32 `(MEASUREMENTS,)`.

    Raises:
        UnreadableImageError: If the picture cannot be read, or does not fit.
    """
    opened, name = open_picture(picture, white_level)
    pixels = to_pixels(opened, channels, name)
    check_native(pixels.shape[:2], size, fit, name)
    box = box_of(pixels.shape[:2], size, fit)
    scaled = fit_image(pixels, (box.height, box.width))
    image = surround(even_out(scaled, illumination), box, size)
    return image, measure_picture(opened, scaled)


def measure_picture(opened: Image.Image, image: np.ndarray) -> np.ndarray:
    """Measure a single picture.

    Args:
        opened: The picture as it was decoded, turned upright.
        image: uint8 `(height, width, channels)`, the picture scaled for the model, without what is
            filled around it.

    Returns:
        float32 `(MEASUREMENTS,)`, see `measure`.
    """
    color = _colorfulness(opened) if image.shape[2] == 1 else 0.0
    return measure(image[np.newaxis], (opened.height, opened.width), color)[0]


def measure(images: np.ndarray, shape: Tuple[int, int], color: float = 0.0) -> np.ndarray:
    """Measure pictures of the same size.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255, the pictures scaled for the
            model, without what is filled around them; both sides are multiples of `GRID`, and the
            illumination must not be evened out yet.
        shape: Height and width of the pictures before scaling.
        color: Mean difference of the largest and the smallest channel of the pictures, if they had
            colors and `images` are grey.

    Returns:
        float32 `(count, MEASUREMENTS)`: `MEASURES`, then the mean levels in a grid of `GRID` x
        `GRID`, then the standard deviations in a grid of `CELLS` x `CELLS`.
    """
    count, height, width, channels = images.shape
    planes = [np.ascontiguousarray(images[..., channel]) for channel in range(channels)]
    grey, colors = _to_grey(planes)
    means = _cell_means(grey, GRID) / channels
    squares = pooled(_cell_means(grey.astype(np.int32) ** 2, GRID), CELLS) / channels**2
    deviations = np.sqrt(np.maximum(squares - pooled(means, CELLS) ** 2, 0))
    variance = squares.mean(axis=(1, 2)) - means.mean(axis=(1, 2)) ** 2
    found = np.empty((count, MEASUREMENTS), np.float32)
    found[:, :2] = shape
    found[:, 2:5] = (color, 0, 0) if colors is None else colors
    found[:, 5] = np.sqrt(np.maximum(variance, 0))
    across = grey[:, :, 2:] - 2 * grey[:, :, 1:-1] + grey[:, :, :-2]
    down = grey[:, 2:] - 2 * grey[:, 1:-1] + grey[:, :-2]
    for column, bends in ((6, across), (7, down)):
        sums = np.abs(bends).reshape(count, -1).sum(axis=1, dtype=np.int64)
        found[:, column] = sums / (channels * bends[0].size)
    for column, level in ((8, 0), (9, 255)):
        counts = [[np.count_nonzero(image == level) for image in plane] for plane in planes]
        found[:, column] = np.max(counts, axis=0) / (height * width)
    found[:, len(MEASURES) : -(CELLS**2)] = means.reshape(count, -1)
    found[:, -(CELLS**2) :] = deviations.reshape(count, -1)
    return found


def shape_of(measurements: np.ndarray) -> Tuple[int, int]:
    """Return height and width of a measured picture before scaling, in pixels."""
    height, width = measurements[:2].tolist()
    return int(height), int(width)


def mean_levels(measurements: np.ndarray) -> np.ndarray:
    """Return the mean levels of each picture, float64 `(count, GRID, GRID)`, 0 to 255."""
    grid = measurements[:, len(MEASURES) : -(CELLS**2)].astype(np.float64)
    return grid.reshape(-1, GRID, GRID)


def layouts(measurements: np.ndarray) -> np.ndarray:
    """Return the layout of each picture, its grid of mean levels.

    The levels are shifted to a mean of 0 and scaled to a length of 1, so that the layout does not
    change with brightness and contrast.

    Returns:
        float64 `(count, GRID ** 2)`; 0 for a picture of one level.
    """
    grid = mean_levels(measurements).reshape(len(measurements), -1)
    grid = grid - grid.mean(axis=1, keepdims=True)
    return grid / np.maximum(np.linalg.norm(grid, axis=1, keepdims=True), GRID)


def _to_grey(planes: List[np.ndarray]) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Return the sums of the channels, int16, and the mean differences of three channels."""
    if len(planes) == 1:
        return planes[0].astype(np.int16), None
    red, green, blue = planes
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    totals = [plane.sum(axis=(1, 2), dtype=np.int64) for plane in (spread, red, green, blue)]
    grey = red.astype(np.int16) + green + blue
    colors = np.column_stack([totals[0], totals[1] - totals[2], totals[3] - totals[2]])
    return grey, colors / red[0].size


def _colorfulness(picture: Image.Image) -> float:
    """Return the mean difference of the largest and the smallest channel, from some pixels."""
    if not has_color(picture):
        return 0.0
    sample = np.asarray(picture.resize((SAMPLE, SAMPLE), NEAREST).convert("RGB"), np.int16)
    return float((sample.max(axis=2) - sample.min(axis=2)).mean())


def _cell_means(planes: np.ndarray, parts: int) -> np.ndarray:
    """Average integer planes `(count, height, width)` to float64 `(count, parts, parts)`."""
    count, height, width = planes.shape
    rows, columns = height // parts, width // parts
    sums = planes.reshape(count, parts, rows, width).sum(axis=2, dtype=np.int64)
    return sums.reshape(count, parts, parts, columns).sum(axis=3) / (rows * columns)


def pooled(grid: np.ndarray, parts: int) -> np.ndarray:
    """Average a grid `(count, rows, columns)` to `(count, parts, parts)`."""
    count, rows, columns = grid.shape
    return grid.reshape(count, parts, rows // parts, parts, columns // parts).mean(axis=(2, 4))
