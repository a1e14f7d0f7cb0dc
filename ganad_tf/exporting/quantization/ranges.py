"""Ranges of the activations, measured on calibration images."""

import numpy as np
import tf_keras
from numpy.typing import NDArray

from ganad_tf.models.architecture import GENERATOR, LAST, SKIPS

BATCH = 32


def calibrate(twin: tf_keras.Model, images: NDArray[np.float32]) -> dict[str, float]:
    """Measure the range of the output of each layer.

    All layers but the last end in a ReLU, so their ranges start at 0. The upper end is the mean
    over batches of the largest value, so that a single outlier does not stretch the range. The
    last layer returns images, so its range is [0, 1].

    Args:
        twin: The model from `build_twin`.
        images: float32 calibration images `(count, height, width, channels)` in [0, 1].

    Returns:
        The upper end of the range of each layer by name.
    """
    names = [layer.name for layer in GENERATOR if layer is not LAST]
    view = tf_keras.Model(twin.input, [twin.get_layer(name).output for name in names])
    largest = [
        [outputs.numpy().max() for outputs in view(images[start : start + BATCH], training=False)]
        for start in range(0, len(images), BATCH)
    ]
    means = map(float, np.mean(largest, axis=0))
    return {**dict(zip(names, means, strict=True)), LAST.name: 1.0}


def share_between_concatenated(ranges: dict[str, float]) -> dict[str, float]:
    """Give both inputs of each concatenation the larger of their ranges.

    A concatenation of integers needs one scale. Without it, one of the inputs would have to be
    requantized by an extra operation.

    Args:
        ranges: The ranges from `calibrate`.
    """
    shared = dict(ranges)
    for layer in SKIPS:
        shared.update(dict.fromkeys(layer.inputs, max(ranges[name] for name in layer.inputs)))
    return shared
