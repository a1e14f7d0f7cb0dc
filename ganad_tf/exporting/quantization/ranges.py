"""Ranges of the activations, from calibration images, shared where a target wants one scale."""

import numpy as np
import tf_keras
from numpy.typing import NDArray

from ganad_tf.exporting.quantization.twin import CONCATENATED, DECODER, ENCODER

BATCH = 32


def calibrate(twin: tf_keras.Model, images: NDArray[np.float32]) -> dict[str, float]:
    """Find how large the activations of each layer get.

    All but the last follow a ReLU, so their ranges start at 0. The upper end is the mean over
    batches of the largest value, which a single stray image does not stretch. The last layer
    gives images, so its range is theirs.

    Args:
        twin: The model from `build_twin`.
        images: float32 calibration images `(count, size, size, channels)` in [0, 1].

    Returns:
        The upper end of the range of each layer by name.
    """
    names = (*ENCODER, *DECODER[:-1])
    view = tf_keras.Model(twin.input, [twin.get_layer(name).output for name in names])
    largest = [
        [maps.numpy().max() for maps in view(images[start : start + BATCH], training=False)]
        for start in range(0, len(images), BATCH)
    ]
    return {**dict(zip(names, map(float, np.mean(largest, axis=0)), strict=True)), DECODER[-1]: 1.0}


def share_between_concatenated(ranges: dict[str, float]) -> dict[str, float]:
    """Give both sides of each skip connection the larger of their ranges.

    A concatenation of integers needs one scale; without it, one side has to be requantized by
    an operation of its own.
    """
    shared = dict(ranges)
    for pair in CONCATENATED:
        shared.update(dict.fromkeys(pair, max(ranges[name] for name in pair)))
    return shared
