"""The anomaly score: one definition for training, verification and the station.

The score of an image is its reconstruction error (paper, section 3.1): the mean absolute
difference of the image and its reconstruction over pixels and channels. Reconstructions of
integer models are uint8 pixels and are compared as integers, exactly; those of float models
are float32 in [0, 1].
"""

import numpy as np

PIXEL_LEVELS = 255


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


def scores(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Return the anomaly score of every image; larger is more anomalous.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: The same shape; uint8, 0 to 255, or float32 in [0, 1].

    Returns:
        float64 `(count,)` in [0, 1].
    """
    if reconstructions.dtype != np.uint8:
        return error_maps(images, reconstructions).mean(axis=(1, 2), dtype=np.float64)
    errors = _absolute_errors(images, reconstructions).reshape(len(images), -1)
    return errors.sum(axis=1, dtype=np.uint32) / (PIXEL_LEVELS * float(errors.shape[1]))


def _absolute_errors(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    if reconstructions.dtype == np.uint8:
        return np.maximum(images, reconstructions) - np.minimum(images, reconstructions)
    return np.abs(to_input(images) - reconstructions)
