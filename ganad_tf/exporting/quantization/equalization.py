"""Equalization of the two inputs of each concatenation, without changing the function.

A ReLU commutes with a positive factor, so the kernel and bias of a layer may be scaled as long as
the next layer undoes it (cross-layer equalization; Nagel et al., ICCV 2019, section 4.1).
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ganad_tf.exporting.quantization.folding import FoldedLayer
from ganad_tf.models.architecture import SKIPS

MIGRATION_STRENGTH = 2 / 3
"""Weight of the activations against that of the kernel that reads them, 0 to 1."""


def equalize_concatenated(
    folded: dict[str, FoldedLayer], ranges: dict[str, float]
) -> dict[str, FoldedLayer]:
    """Scale each decoder layer towards the encoder layer that it is concatenated with.

    The two inputs of a concatenation share one scale, and so do the weights that read them. With
    equal ranges no activation would lose levels, but the weights that read the wider input grow
    as its activations shrink: where it was 24 times as wide, no levels were left for the weights
    of the other input. So the factor lies between the one that makes the activations equal and
    the one that makes the weights equal (Xiao et al., "SmoothQuant", ICML 2023, equation 4, per
    input instead of per channel).

    Args:
        folded: The layers from `fold_generator`.
        ranges: The upper end of the range of each layer, from `calibrate`.

    Returns:
        Layers that compute the same reconstructions. A layer that never rises above 0 or is
        never read is left as it is.
    """
    layers = dict(folded)
    for reader in SKIPS:
        decoder, encoder = reader.inputs
        scaled, kernel = layers[decoder], layers[reader.name].kernel
        channels = len(scaled.bias)
        weights = [_largest(kernel[..., :channels]), _largest(kernel[..., channels:])]
        if min(ranges[decoder], ranges[encoder], *weights) > 0:
            same_activations = ranges[encoder] / ranges[decoder]
            same_weights = weights[0] / weights[1]
            factor = np.float32(
                same_activations**MIGRATION_STRENGTH * same_weights ** (1 - MIGRATION_STRENGTH)
            )
            layers[decoder] = FoldedLayer(scaled.kernel * factor, scaled.bias * factor)
            layers[reader.name] = _undo(layers[reader.name], factor, channels)
    return layers


def _largest(weights: NDArray[np.float32]) -> float:
    return float(np.abs(weights).max())


def _undo(layer: FoldedLayer, factor: np.float32, channels: int) -> FoldedLayer:
    """Divide the weights that read the first `channels` inputs of a transposed convolution."""
    kernel = layer.kernel.copy()
    kernel[..., :channels] /= factor
    return dataclasses.replace(layer, kernel=kernel)
