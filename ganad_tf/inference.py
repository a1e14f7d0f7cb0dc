"""Scores of images under a float Keras generator."""

from collections.abc import Callable, Iterator
from functools import partial

import keras
import numpy as np
from numpy.typing import NDArray

from ganad_station.score import (
    WHOLE_IMAGE,
    ScoreRule,
    clip_reconstructions,
    error_maps,
    scores,
    smooth_maps,
    to_input,
)

BATCH = 256


def reconstruct(generator: keras.Model, images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Reconstruct images batch by batch.

    Args:
        generator: A model from float32 images in [0, 1] to their reconstructions.
        images: uint8 `(count, size, size, channels)`.

    Yields:
        float32 `(batch, size, size, channels)`, clipped to [0, 1].
    """
    for start in range(0, len(images), BATCH):
        inputs = to_input(images[start : start + BATCH])
        yield clip_reconstructions(generator.predict_on_batch(inputs))


def score_images(
    generator: keras.Model, images: NDArray[np.uint8], rule: ScoreRule = WHOLE_IMAGE
) -> NDArray[np.float64]:
    """Return the anomaly score of each image by a rule, float64 `(count,)` in [0, 1]."""
    return _measure(generator, images, partial(scores, rule=rule))


def map_errors(
    generator: keras.Model, images: NDArray[np.uint8], rule: ScoreRule = WHOLE_IMAGE
) -> NDArray[np.float32]:
    """Return the error map of each image, float32 `(count, size, size)` in [0, 1].

    It is smoothed over the window of the rule, see `ganad_station.score.smooth_maps`.
    """
    maps = _measure(generator, images, error_maps)
    return smooth_maps(maps, rule.map_window) if rule.patch_size else maps


def _measure(
    generator: keras.Model,
    images: NDArray[np.uint8],
    compare: Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray],
) -> NDArray:
    parts = [
        compare(images[index * BATCH : (index + 1) * BATCH], reconstructions)
        for index, reconstructions in enumerate(reconstruct(generator, images))
    ]
    return np.concatenate(parts)
