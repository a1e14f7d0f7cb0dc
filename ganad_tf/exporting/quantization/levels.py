"""The integers that a quantization-aware model stands for."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from ganad_tf.exporting.quantization.aware import layer_weights
from ganad_tf.models.architecture import GENERATOR
from ganad_tf.targets.recipe import Scheme

LARGEST_LEVEL = {Scheme.ASYMMETRIC: 255, Scheme.SYMMETRIC: 127}
LARGEST_KERNEL_LEVEL = 127


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """A convolution of the generator in integers.

    Attributes:
        levels: int8 kernel, -127 to 127, in the layout of TensorFlow.
        kernel_scales: float32, the value of one level of the kernel: `(out,)` for a convolution,
            one scale per output channel, and `()` for a transposed one.
        bias: float32 `(out,)`.
        output_scale: The value of one level of the output.
    """

    levels: NDArray[np.int8]
    kernel_scales: NDArray[np.float32]
    bias: NDArray[np.float32]
    output_scale: float

    @property
    def kernel(self) -> NDArray[np.float32]:
        """The float32 kernel that the integers stand for, in the layout of TensorFlow."""
        return (self.levels * self.kernel_scales).astype(np.float32)


def quantized_layers(
    model: tf_keras.Model, ranges: dict[str, float], scheme: Scheme
) -> dict[str, QuantizedLayer]:
    """Read the integers of a fine-tuned model.

    Args:
        model: The model from `make_quantization_aware`, after `fine_tune`.
        ranges: The ranges that it was made with, by layer.
        scheme: The scheme that it was made with.

    Returns:
        Its convolutions by name, from input to output.
    """
    layers = {}
    for name in (layer.name for layer in GENERATOR):
        weights = {key: variable.numpy() for key, variable in layer_weights(model, name).items()}
        scales = np.asarray(weights["kernel_max"] / LARGEST_KERNEL_LEVEL, np.float32)
        levels = np.round(_fake_quantized(weights) / scales).astype(np.int8)
        output_scale = ranges[name] / LARGEST_LEVEL[scheme]
        layers[name] = QuantizedLayer(levels, scales, weights["bias"], output_scale)
    return layers


def _fake_quantized(weights: dict[str, NDArray]) -> NDArray:
    """Quantize a kernel as training does: one level of difference in the last layer is visible."""
    quantize = (
        tf.quantization.fake_quant_with_min_max_vars_per_channel
        if weights["kernel_max"].shape
        else tf.quantization.fake_quant_with_min_max_vars
    )
    ends = weights["kernel_min"], weights["kernel_max"]
    return quantize(weights["kernel"], *ends, narrow_range=True).numpy()
