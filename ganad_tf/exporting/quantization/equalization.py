"""Bringing the two sides of each skip connection together, without changing the function.

A ReLU commutes with a positive factor, so a layer's kernel and bias may be scaled as long as
the next layer undoes it (cross-layer equalization; Nagel et al., ICCV 2019, section 4.1).
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ganad_tf.exporting.quantization.folding import FoldedLayer
from ganad_tf.exporting.quantization.twin import CONCATENATED, DECODER

ACTIVATIONS_SHARE = 2 / 3
"""How far activations decide and not the weights that read them, 0 to 1."""


def equalize_concatenated(folded: list[FoldedLayer], ranges: dict[str, float]) -> list[FoldedLayer]:
    """Scale each decoder layer towards the encoder layer that it is concatenated with.

    Both have one scale, and so have the weights that read them. At the same range of activations
    no activation would lose levels, but the weights of the wider side grow as its activations
    shrink: where it was 24 times as wide, the other side's weights had no levels left. So the
    factor lies between the one that makes activations equal and the one that makes weights equal
    (Xiao et al., "SmoothQuant", ICML 2023, equation 4, for sides instead of channels).

    Args:
        folded: The layers from `fold_generator`.
        ranges: The upper end of each layer's range, from `calibrate`.

    Returns:
        Layers that compute the same reconstructions; where a layer never rises above 0 or is
        not read, it is left as it is.
    """
    layers = {layer.name: layer for layer in folded}
    for index, (decoder, encoder) in enumerate(CONCATENATED):
        scaled, follower = layers[decoder], DECODER[index + 1]
        maps = len(scaled.bias)
        kernel = layers[follower].kernel
        weights = [_largest(kernel[..., :maps]), _largest(kernel[..., maps:])]
        if min(ranges[decoder], ranges[encoder], *weights) > 0:
            same_activations = ranges[encoder] / ranges[decoder]
            same_weights = weights[0] / weights[1]
            factor = np.float32(
                same_activations**ACTIVATIONS_SHARE * same_weights ** (1 - ACTIVATIONS_SHARE)
            )
            layers[decoder] = dataclasses.replace(
                scaled, kernel=scaled.kernel * factor, bias=scaled.bias * factor
            )
            layers[follower] = _undo(layers[follower], factor, maps)
    return list(layers.values())


def _largest(weights: NDArray[np.float32]) -> float:
    return float(np.abs(weights).max())


def _undo(layer: FoldedLayer, factor: np.float32, maps: int) -> FoldedLayer:
    """Divide the weights on the first `maps` inputs of a transposed convolution."""
    kernel = layer.kernel.copy()
    kernel[..., :maps] /= factor
    return dataclasses.replace(layer, kernel=kernel)
