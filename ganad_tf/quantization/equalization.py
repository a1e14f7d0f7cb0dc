"""Balancing channels that share a scale, without changing the function.

A ReLU commutes with a positive factor, so a channel of a layer's output may be scaled as long as
all that follows undoes it (cross-layer equalization; Nagel et al., ICCV 2019, section 4.1). What a
decoder layer reads has one scale, and so has its kernel: a channel with small activations and
large weights would take the levels of all other weights, one with large activations those of all
other activations.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ganad_tf.quantization.folding import FoldedLayer
from ganad_tf.quantization.twin import DECODER, DECODER_INPUTS, ENCODER

SMALLEST_SHARE = 1 / 255
"""Of the largest activation or weight, what 8 bits tell from nothing."""


def equalize(
    folded: list[FoldedLayer], largest: dict[str, NDArray[np.float32]]
) -> list[FoldedLayer]:
    """Balance the channels that each decoder layer reads.

    Args:
        folded: The layers from `fold_generator`.
        largest: The largest activation of each channel `(out,)` by layer, from
            `largest_activations`.

    Returns:
        Layers that compute the same reconstructions.
    """
    layers = {layer.name: layer for layer in folded}
    for reader, sources in DECODER_INPUTS.items():
        weights = np.abs(layers[reader].kernel).max(axis=(0, 1, 2))
        activations = np.concatenate([largest[name] for name in sources])
        factors = balancing_factors(activations, weights)
        layers[reader] = _with_inputs_divided(layers[reader], factors)
        start = 0
        for name in sources:
            own = factors[start : start + len(layers[name].bias)]
            start += len(own)
            layers[name] = _with_outputs_multiplied(layers[name], own)
            for follower in _encoder_layer_after(name):
                layers[follower] = _with_inputs_divided(layers[follower], own)
    return list(layers.values())


def balancing_factors(
    activations: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what to multiply the activations of each channel by, and to divide its weights by.

    The root of weight over activation, each as a share of the largest, makes both ranges equal
    (Xiao et al., "SmoothQuant", ICML 2023, equation 4 with alpha = 0.5).

    Args:
        activations: The largest of each channel, at least 0, `(channels,)`.
        weights: The largest absolute one that reads each channel, `(channels,)`.

    Returns:
        Positive factors `(channels,)` that leave the largest activation of all as it is; 1 where
        there are no activations or no weights at all.
    """
    if activations.max() <= 0 or weights.max() <= 0:
        return np.ones_like(activations)
    shares = np.maximum(activations / activations.max(), SMALLEST_SHARE)
    factors = np.sqrt(np.maximum(weights / weights.max(), SMALLEST_SHARE) / shares)
    balanced: NDArray[np.float32] = (factors / (factors * shares).max()).astype(np.float32)
    return balanced


def _encoder_layer_after(name: str) -> tuple[str, ...]:
    return ENCODER[ENCODER.index(name) + 1 :][:1] if name in ENCODER else ()


def _with_outputs_multiplied(layer: FoldedLayer, factors: NDArray[np.float32]) -> FoldedLayer:
    outputs = factors[:, None] if layer.name in DECODER else factors
    return dataclasses.replace(layer, kernel=layer.kernel * outputs, bias=layer.bias * factors)


def _with_inputs_divided(layer: FoldedLayer, factors: NDArray[np.float32]) -> FoldedLayer:
    inputs = factors if layer.name in DECODER else factors[:, None]
    return dataclasses.replace(layer, kernel=layer.kernel / inputs)
