"""Folding of batch normalization into the convolution before it.

At inference batch normalization is an affine function of each channel, so
`norm(conv(x))` equals a convolution with kernel `kernel * scale` and bias `beta - mean * scale`,
where `scale = gamma / sqrt(variance + epsilon)` (Jacob et al., CVPR 2018, section 3.2).
"""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from ganad_tf.models.architecture import GENERATOR, Kind, Layer


@dataclass(frozen=True, eq=False)
class FoldedLayer:
    """Kernel and bias of a convolution with its normalization folded in.

    Attributes:
        kernel: float32 in the layout of the layer: `(4, 4, in, out)` for a convolution,
            `(4, 4, out, in)` for a transposed one.
        bias: float32 `(out,)`.
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def fold_generator(generator: keras.Model) -> dict[str, FoldedLayer]:
    """Fold every layer of a generator.

    Args:
        generator: A model from `build_generator`.

    Returns:
        Its convolutions by name, from input to output. Those without normalization keep their
        kernel and get a bias of zeros.
    """
    return {layer.name: _fold(generator, layer) for layer in GENERATOR}


def _fold(generator: keras.Model, layer: Layer) -> FoldedLayer:
    convolution = generator.get_layer(layer.name)
    kernel = np.array(convolution.kernel)
    if not layer.is_normalized:
        return FoldedLayer(kernel, np.zeros(convolution.filters, np.float32))
    norm = generator.get_layer(layer.norm_name)
    gamma, beta, mean, variance = (
        np.array(value, np.float64)
        for value in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    kernel = kernel * (scale[:, np.newaxis] if layer.kind == Kind.DOUBLING else scale)
    bias = beta - mean * scale
    return FoldedLayer(kernel.astype(np.float32), bias.astype(np.float32))
