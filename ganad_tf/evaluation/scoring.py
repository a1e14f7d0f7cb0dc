"""Scores of images under a float Keras generator."""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from numpy.typing import NDArray

from ganad_station.score import (
    WHOLE_IMAGE,
    ScoreRule,
    clip_reconstructions,
    reconstruct_views,
    scores,
    shown_maps,
    to_input,
)

BATCH = 256


def reconstruct(
    generator: keras.Model, images: NDArray[np.uint8], views: int = 1
) -> NDArray[np.float32]:
    """Reconstruct a batch of images.

    Args:
        generator: A model from float32 images in [0, 1] to their reconstructions.
        images: uint8 `(count, size, size, channels)`.
        views: How many views, see `ganad_station.score.reconstruct_views`.

    Returns:
        float32 `(views, count, size, size, channels)`, clipped to [0, 1].
    """

    def predict(seen: NDArray[np.uint8]) -> NDArray[np.float32]:
        return clip_reconstructions(generator.predict_on_batch(to_input(seen)))

    return reconstruct_views(images, predict, views)


def score_images(
    generator: keras.Model, images: NDArray[np.uint8], rule: ScoreRule = WHOLE_IMAGE
) -> NDArray[np.float64]:
    """Return the anomaly score of each image by a rule, float64 `(count,)` in [0, 1]."""
    return _measure(generator, images, partial(scores, rule=rule), rule)


def map_errors(
    generator: keras.Model, images: NDArray[np.uint8], rule: ScoreRule = WHOLE_IMAGE
) -> NDArray[np.float32]:
    """Return the error map of each image, float32 `(count, size, size)` in [0, 1].

    It is smoothed as the rule says, see `ganad_station.score.shown_maps`.
    """
    return _measure(generator, images, partial(shown_maps, rule=rule), rule)


def _measure(
    generator: keras.Model,
    images: NDArray[np.uint8],
    compare: Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray],
    rule: ScoreRule,
) -> NDArray:
    count = BATCH // rule.views
    batches = (images[start : start + count] for start in range(0, len(images), count))
    return np.concatenate(
        [compare(batch, reconstruct(generator, batch, rule.views)) for batch in batches]
    )
