"""The anomaly score: one definition for training, verification and the station.

The score of an image is its reconstruction error (paper, section 3.1): the mean absolute
difference of the image and its reconstruction over pixels and channels.
"""

import numpy as np

PIXEL_LEVELS = 255.0


def to_input(images: np.ndarray) -> np.ndarray:
    """Map uint8 pixels, 0 to 255, to the float32 inputs of a model, [0, 1]."""
    return images.astype(np.float32) / np.float32(PIXEL_LEVELS)


def clip_reconstructions(reconstructions: np.ndarray) -> np.ndarray:
    """Clip what a model gives to the range of images, [0, 1].

    The last layer of the generator is linear; an int8 output saturates at the same bounds.
    """
    return np.clip(reconstructions, 0.0, 1.0)


def error_maps(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Return the reconstruction error of every pixel.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: float32 of the same shape, in [0, 1].

    Returns:
        float32 `(count, height, width)` in [0, 1], the mean over channels.
    """
    return np.abs(to_input(images) - reconstructions).mean(axis=3)


def scores(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Return the anomaly score of every image; larger is more anomalous.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: float32 of the same shape, in [0, 1].

    Returns:
        float64 `(count,)` in [0, 1].
    """
    return error_maps(images, reconstructions).mean(axis=(1, 2), dtype=np.float64)
