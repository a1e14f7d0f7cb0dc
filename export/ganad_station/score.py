"""The anomaly score: one definition for training, verification and the station.

The score of an image is its reconstruction error (paper, section 3.1): the mean absolute
difference of the image and its reconstruction over pixels and channels, or that of the patches
where it is largest, as the patch loss defines it (paper, equation 3). Reconstructions of
integer models are uint8 pixels and are compared as integers, exactly; those of float models
are float32 in [0, 1].
"""

from typing import NamedTuple

import numpy as np

PIXEL_LEVELS = 255


class ScoreRule(NamedTuple):
    """Which errors of an image its score is the mean of.

    Attributes:
        patch_size: Side in pixels of the square patches that tile the image; 0 for the whole image.
        patch_count: How many patches count, those of the largest error.
    """

    patch_size: int = 0
    patch_count: int = 1

    @property
    def map_window(self) -> int:
        """Side in pixels of the squares that a map of errors is averaged over, odd.

        Twice a patch, so that a map shows what counts and not single pixels; 1, that is none,
        where the whole image counts.
        """
        return 2 * self.patch_size + 1


WHOLE_IMAGE = ScoreRule()


def to_input(images: np.ndarray) -> np.ndarray:
    """Map uint8 pixels, 0 to 255, to the float32 inputs of a model, [0, 1]."""
    return images.astype(np.float32) / np.float32(PIXEL_LEVELS)


def clip_reconstructions(reconstructions: np.ndarray) -> np.ndarray:
    """Clip what a float model gives to the range of images, [0, 1].

    The last layer of the generator is linear; an int8 output saturates at the same bounds.
    """
    return np.clip(reconstructions, 0.0, 1.0)


def error_maps(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Return the reconstruction error of every pixel.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: The same shape; uint8, 0 to 255, or float32 in [0, 1].

    Returns:
        float32 `(count, height, width)` in [0, 1], the mean over channels.
    """
    errors = _absolute_errors(images, reconstructions).mean(axis=3, dtype=np.float32)
    return errors / np.float32(PIXEL_LEVELS) if reconstructions.dtype == np.uint8 else errors


def smooth_maps(maps: np.ndarray, window: int) -> np.ndarray:
    """Average maps over squares, as much of each as lies inside.

    Args:
        maps: float32 `(count, height, width)`.
        window: Side of the square around each pixel, odd.

    Returns:
        float32 of the same shape.
    """
    totals, areas = maps.astype(np.float64), np.ones((1, *maps.shape[1:]))
    for axis in (1, 2):
        totals, areas = (_window_sums(values, window, axis) for values in (totals, areas))
    return (totals / areas).astype(np.float32)


def _window_sums(values: np.ndarray, window: int, axis: int) -> np.ndarray:
    """Return the sums over `window` values along an axis, fewer at the ends."""
    length, half = values.shape[axis], window // 2
    sums = np.insert(np.cumsum(values, axis=axis), 0, 0, axis=axis)
    places = np.arange(length)
    first, end = np.maximum(places - half, 0), np.minimum(places + half + 1, length)
    return np.take(sums, end, axis) - np.take(sums, first, axis)


def error_levels(image: np.ndarray, reconstruction: np.ndarray) -> np.ndarray:
    """Return the error of every pixel of one image as levels that can be shown.

    Args:
        image: uint8 `(height, width, channels)`, 0 to 255.
        reconstruction: The same shape; uint8, 0 to 255, or float32 in [0, 1].

    Returns:
        uint8 `(height, width)`, 0 to 255, the mean over channels, rounded.
    """
    if reconstruction.dtype != np.uint8:
        errors = error_maps(image[np.newaxis], reconstruction[np.newaxis])[0]
        return np.round(errors * PIXEL_LEVELS).astype(np.uint8)
    errors = _absolute_errors(image, reconstruction)
    channels = image.shape[2]
    if channels == 1:
        return errors[:, :, 0]
    total = errors.sum(axis=2, dtype=np.uint16)
    return ((total + channels // 2) // channels).astype(np.uint8)


def scores(
    images: np.ndarray, reconstructions: np.ndarray, rule: ScoreRule = WHOLE_IMAGE
) -> np.ndarray:
    """Return the anomaly score of every image; larger is more anomalous.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: The same shape; uint8, 0 to 255, or float32 in [0, 1].
        rule: What counts; its patch size divides height and width.

    Returns:
        float64 `(count,)` in [0, 1].
    """
    if rule.patch_size:
        return _largest_patch_errors(_absolute_errors(images, reconstructions), rule)
    if reconstructions.dtype != np.uint8:
        return error_maps(images, reconstructions).mean(axis=(1, 2), dtype=np.float64)
    errors = _absolute_errors(images, reconstructions).reshape(len(images), -1)
    return errors.sum(axis=1, dtype=np.uint32) / (PIXEL_LEVELS * float(errors.shape[1]))


def _largest_patch_errors(errors: np.ndarray, rule: ScoreRule) -> np.ndarray:
    """Return the mean of the largest patch errors, float64 `(count,)` in [0, 1]."""
    count, height, width, channels = errors.shape
    side, chosen = rule
    is_integer = errors.dtype == np.uint8
    total = np.uint32 if is_integer else np.float64
    strips = errors.reshape(count, height // side, side, width * channels).sum(axis=2, dtype=total)
    patches = strips.reshape(count, height // side, width // side, side * channels).sum(axis=3)
    patches = patches.reshape(count, -1)
    largest = np.partition(patches, patches.shape[1] - chosen, axis=1)[:, -chosen:]
    levels = PIXEL_LEVELS if is_integer else 1
    return largest.sum(axis=1) / (float(levels) * chosen * side * side * channels)


def _absolute_errors(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    if reconstructions.dtype == np.uint8:
        return np.maximum(images, reconstructions) - np.minimum(images, reconstructions)
    return np.abs(to_input(images) - reconstructions)
