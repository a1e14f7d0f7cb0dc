"""Folding batch normalization into the convolution before it.

At inference batch normalization is an affine map a map channel, so
`norm(conv(x))` equals a convolution with kernel `kernel * scale` and bias `beta - mean * scale`,
where `scale = gamma / sqrt(variance + epsilon)` (Jacob et al., CVPR 2018, section 3.2).
"""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FoldedLayer:
    """Kernel and bias of a convolution with its normalization folded in.

    Attributes:
        name: Name of the convolution in the generator.
        kernel: float32 in the layout of the layer: `(4, 4, in, out)` for a convolution,
            `(4, 4, out, in)` for a transposed one.
        bias: float32 `(out,)`.
    """

    name: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def fold_generator(generator: keras.Model) -> list[FoldedLayer]:
    """Fold every layer of a generator, from input to output.

    Args:
        generator: A model from `build_generator`.

    Returns:
        Its eight convolutions; those without normalization keep their kernel and get a bias
        of zeros.
    """
    names = {layer.name for layer in generator.layers}
    folded = []
    for layer in generator.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
            norm_name = f"{layer.name}_norm"
            norm = generator.get_layer(norm_name) if norm_name in names else None
            folded.append(_fold(layer, norm))
    return folded


def _fold(layer: keras.layers.Layer, norm: keras.layers.BatchNormalization | None) -> FoldedLayer:
    kernel = np.array(layer.kernel)
    is_transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    if norm is None:
        return FoldedLayer(layer.name, kernel, np.zeros(layer.filters, np.float32))
    gamma, beta, mean, variance = (
        np.array(value, np.float64)
        for value in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    kernel = kernel * (scale[:, np.newaxis] if is_transposed else scale)
    bias = beta - mean * scale
    return FoldedLayer(layer.name, kernel.astype(np.float32), bias.astype(np.float32))
