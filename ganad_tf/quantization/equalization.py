"""Bringing the two sides of each skip connection to one range, without changing the function.

A ReLU commutes with a positive factor, so a layer's kernel and bias may be scaled as long as
the next layer undoes it (cross-layer equalization; Nagel et al., ICCV 2019, section 4.1).
"""

import dataclasses

import numpy as np

from ganad_tf.quantization.folding import FoldedLayer
from ganad_tf.quantization.ranges import CONCATENATED
from ganad_tf.quantization.twin import DECODER


def equalize_concatenated(folded: list[FoldedLayer], ranges: dict[str, float]) -> list[FoldedLayer]:
    """Scale each decoder layer to the range of the encoder layer that it is concatenated with.

    With one scale for both, the side with the smaller range would lose levels.

    Args:
        folded: The layers from `fold_generator`.
        ranges: The upper end of each layer's range, from `calibrate`.

    Returns:
        Layers that compute the same reconstructions; where a layer never rises above 0, it
        is left as it is.
    """
    layers = {layer.name: layer for layer in folded}
    for index, (decoder, encoder) in enumerate(CONCATENATED):
        if min(ranges[decoder], ranges[encoder]) > 0:
            factor = np.float32(ranges[encoder] / ranges[decoder])
            scaled, follower = layers[decoder], DECODER[index + 1]
            layers[decoder] = dataclasses.replace(
                scaled, kernel=scaled.kernel * factor, bias=scaled.bias * factor
            )
            layers[follower] = _undo(layers[follower], factor, len(scaled.bias))
    return list(layers.values())


def _undo(layer: FoldedLayer, factor: np.float32, maps: int) -> FoldedLayer:
    """Divide the weights on the first `maps` inputs of a transposed convolution."""
    kernel = layer.kernel.copy()
    kernel[:, :, :, :maps] /= factor
    return dataclasses.replace(layer, kernel=kernel)
