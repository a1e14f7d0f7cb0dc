"""Preparation of a trained generator for quantization: folding, equalization, ranges."""

from dataclasses import dataclass

import keras
import tf_keras
from numpy.typing import NDArray

from ganad_tf.exporting.quantization.equalization import equalize_concatenated
from ganad_tf.exporting.quantization.folding import FoldedLayer, fold_generator
from ganad_tf.exporting.quantization.ranges import calibrate, share_between_concatenated
from ganad_tf.exporting.quantization.twin import build_twin


@dataclass(frozen=True, eq=False)
class PreparedGenerator:
    """A float generator in the form that quantization starts from.

    Attributes:
        layers: Its convolutions by name, from input to output: folded, and with both inputs of
            each concatenation equalized.
        twin: The tf_keras model of these layers, which computes what the generator computes.
        ranges: The upper end of the range of each layer's output by name, the same for both
            inputs of a concatenation.
    """

    layers: dict[str, FoldedLayer]
    twin: tf_keras.Model
    ranges: dict[str, float]


def prepare(generator: keras.Model, calibration: NDArray) -> PreparedGenerator:
    """Fold and equalize a generator and measure its ranges.

    Args:
        generator: A model from `build_generator`.
        calibration: float32 images `(count, height, width, channels)` in [0, 1].
    """
    size = generator.input_shape[1:3]
    folded = fold_generator(generator)
    layers = equalize_concatenated(folded, calibrate(build_twin(folded, size), calibration))
    twin = build_twin(layers, size)
    return PreparedGenerator(layers, twin, share_between_concatenated(calibrate(twin, calibration)))
