"""The anomaly score, one definition for training, verification and the station.

The score of an image is its reconstruction error (paper, section 3.1): the mean absolute
difference between the image and its reconstruction over pixels and channels, or over the patches
where it is largest, as in the patch loss (paper, equation 3). Reconstructions of integer models are
uint8 pixels and are compared as integers, exactly; those of float models are float32 in [0, 1].

Where mirrored parts look alike, mirrored views of the image are reconstructed, too, and the error
of a pixel is the mean over the views.
"""

from typing import Callable, NamedTuple, Optional, Tuple

import numpy as np

PIXEL_LEVELS = 255
ROWS, COLUMNS = -3, -2
MIRRORED_AXES = ((COLUMNS,), (ROWS,), (ROWS, COLUMNS))
"""The axes along which the second to fourth view are mirrored."""
VIEW_COUNTS = (1, 2, 4)


class ScoreRule(NamedTuple):
    """The patches and views that the score of an image is averaged over.

    Attributes:
        patch_size: Side in pixels of the square patches that tile the image; 0 for the whole image.
        patch_count: Number of patches that count, those with the largest errors.
        views: Number of views that are reconstructed: 1 for the image as it is, 2 to add the one
            mirrored left to right, 4 to add those mirrored top to bottom and both ways.
    """

    patch_size: int = 0
    patch_count: int = 1
    views: int = 1

    @property
    def map_window(self) -> int:
        """Side in pixels of the window that displayed error maps are averaged over, odd.

        It is twice the size of a patch, so that a map shows what counts for the score and not
        single pixels, and 1 (no averaging) if the whole image counts.
        """
        return 2 * self.patch_size + 1

    def problem(self, height: int, width: int) -> Optional[str]:
        """Return what is wrong with the rule for images of a size in pixels, None if it fits."""
        if self.views not in VIEW_COUNTS:
            return f"views must be 1, 2 or 4, got {self.views}"
        if self.patch_size == 0:
            return None
        if self.patch_size < 0 or height % self.patch_size or width % self.patch_size:
            return (
                f"patch size {self.patch_size} does not divide the image size "
                f"{height}x{width}: choose a divisor"
            )
        patches = (height // self.patch_size) * (width // self.patch_size)
        if not 1 <= self.patch_count <= patches:
            return (
                f"patch count {self.patch_count} is not between 1 and {patches}, "
                "the number of patches of an image"
            )
        return None


WHOLE_IMAGE = ScoreRule()


def to_input(images: np.ndarray) -> np.ndarray:
    """Map uint8 pixels, 0 to 255, to the float32 inputs of a model, [0, 1]."""
    return images.astype(np.float32) / np.float32(PIXEL_LEVELS)


def clip_reconstructions(reconstructions: np.ndarray) -> np.ndarray:
    """Clip the output of a float model to the range of images, [0, 1].

    The last layer of the generator is linear; the output of int8 models saturates at these bounds.
    """
    return np.clip(reconstructions, 0.0, 1.0)


def reconstruct_views(
    images: np.ndarray, reconstruct: Callable[[np.ndarray], np.ndarray], count: int
) -> np.ndarray:
    """Reconstruct the views of images, each mirrored back to lie on the image.

    Args:
        images: uint8 `(height, width, channels)` or `(count, height, width, channels)`.
        reconstruct: A function from such images to their reconstructions.
        count: Number of views, see `ScoreRule`.

    Returns:
        The reconstructions, with the views as an additional first axis.
    """
    as_it_is = reconstruct(images)
    reconstructions = np.empty((count, *as_it_is.shape), as_it_is.dtype)
    reconstructions[0] = as_it_is
    for number, axes in enumerate(MIRRORED_AXES[: count - 1], start=1):
        mirrored = np.ascontiguousarray(np.flip(images, axes))
        reconstructions[number] = np.flip(reconstruct(mirrored), axes)
    return reconstructions


def error_maps(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Return the reconstruction error of every pixel.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: The same shape, or that of several views, see `reconstruct_views`; uint8,
            0 to 255, or float32 in [0, 1].

    Returns:
        float32 `(count, height, width)` in [0, 1], the mean over channels and views.
    """
    errors, full = _absolute_errors(images, reconstructions)
    return errors.mean(axis=3, dtype=np.float32) / np.float32(full)


def smooth_maps(maps: np.ndarray, window: int) -> np.ndarray:
    """Average maps over a square window, cut off at the edges of the map.

    Args:
        maps: float32 `(count, height, width)`.
        window: Side of the window around each pixel in pixels, odd.

    Returns:
        float32 of the same shape.
    """
    totals, areas = maps.astype(np.float64), np.ones((1, *maps.shape[1:]))
    for axis in (1, 2):
        totals, areas = (_window_sums(values, window, axis) for values in (totals, areas))
    return (totals / areas).astype(np.float32)


def _window_sums(values: np.ndarray, window: int, axis: int) -> np.ndarray:
    """Return the sums over `window` values along an axis, over fewer at its ends."""
    length, half = values.shape[axis], window // 2
    sums = np.insert(np.cumsum(values, axis=axis), 0, 0, axis=axis)
    places = np.arange(length)
    first, end = np.maximum(places - half, 0), np.minimum(places + half + 1, length)
    return np.take(sums, end, axis) - np.take(sums, first, axis)


def shown_maps(images: np.ndarray, reconstructions: np.ndarray, rule: ScoreRule) -> np.ndarray:
    """Return the error maps that are displayed, smoothed over the window of the rule.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: As for `error_maps`.
        rule: The rule of the score.

    Returns:
        float32 `(count, height, width)` in [0, 1].
    """
    maps = error_maps(images, reconstructions)
    return smooth_maps(maps, rule.map_window) if rule.patch_size else maps


def scores(
    images: np.ndarray,
    reconstructions: np.ndarray,
    rule: ScoreRule = WHOLE_IMAGE,
    boxes: Optional[np.ndarray] = None,
) -> np.ndarray:
    """Return the anomaly score of every image; larger is more anomalous.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: As for `error_maps`.
        rule: The rule of the score; its patch size divides height and width.
        boxes: Integers `(count, 4)`, top, left, height and width of the picture in each image in
            pixels; None if it fills the image. What is outside does not count for the mean over an
            image, and counts as free of errors in patches.

    Returns:
        float64 `(count,)` in [0, 1].
    """
    if boxes is not None:
        return _scores_inside(images, reconstructions, rule, boxes)
    if not rule.patch_size and reconstructions.dtype != np.uint8:
        return error_maps(images, reconstructions).mean(axis=(1, 2), dtype=np.float64)
    errors, full = _absolute_errors(images, reconstructions)
    if rule.patch_size:
        return _largest_patch_errors(errors, full, rule)
    errors = errors.reshape(len(images), -1)
    return errors.sum(axis=1, dtype=np.uint64) / (full * errors.shape[1])


def _scores_inside(
    images: np.ndarray, reconstructions: np.ndarray, rule: ScoreRule, boxes: np.ndarray
) -> np.ndarray:
    """Return the scores of pictures that do not fill their images, see `scores`."""
    if not rule.patch_size:
        return np.concatenate(
            [
                scores(
                    images[number : number + 1, top : top + height, left : left + width],
                    reconstructions[
                        ..., number : number + 1, top : top + height, left : left + width, :
                    ],
                    rule,
                )
                for number, (top, left, height, width) in enumerate(np.asarray(boxes).tolist())
            ]
        )
    errors, full = _absolute_errors(images, reconstructions)
    inside = np.zeros((*errors.shape[:3], 1), errors.dtype)
    for number, (top, left, height, width) in enumerate(np.asarray(boxes).tolist()):
        inside[number, top : top + height, left : left + width] = 1
    return _largest_patch_errors(errors * inside, full, rule)


def _largest_patch_errors(errors: np.ndarray, full: float, rule: ScoreRule) -> np.ndarray:
    """Return the mean of the largest patch errors, float64 `(count,)` in [0, 1]."""
    count, height, width, channels = errors.shape
    side, chosen = rule.patch_size, rule.patch_count
    total = np.uint32 if errors.dtype.kind == "u" else np.float64
    strips = errors.reshape(count, height // side, side, width * channels).sum(axis=2, dtype=total)
    patches = strips.reshape(count, height // side, width // side, side * channels).sum(axis=3)
    patches = patches.reshape(count, -1)
    largest = np.partition(patches, patches.shape[1] - chosen, axis=1)[:, -chosen:]
    return largest.sum(axis=1) / (full * chosen * side * side * channels)


def _absolute_errors(images: np.ndarray, reconstructions: np.ndarray) -> Tuple[np.ndarray, float]:
    """Return the error of every value, summed over the views, and the largest possible sum."""
    views = reconstructions if reconstructions.ndim > images.ndim else reconstructions[np.newaxis]
    if reconstructions.dtype == np.uint8:
        return _add_up(_level_differences, images, views), float(len(views) * PIXEL_LEVELS)
    return _add_up(_differences, to_input(images), views), float(len(views))


def _add_up(
    compare: Callable[[np.ndarray, np.ndarray], np.ndarray], images: np.ndarray, views: np.ndarray
) -> np.ndarray:
    """Sum the comparisons of images with each view; uint8 levels are widened to 16 bits."""
    total = compare(images, views[0])
    if len(views) > 1 and total.dtype == np.uint8:
        total = total.astype(np.uint16)
    for view in views[1:]:
        total += compare(images, view)
    return total


def _level_differences(images: np.ndarray, view: np.ndarray) -> np.ndarray:
    return np.maximum(images, view) - np.minimum(images, view)


def _differences(inputs: np.ndarray, view: np.ndarray) -> np.ndarray:
    return np.abs(inputs - view)
