"""The folded generator rebuilt in tf_keras, the only Keras that tfmot quantizes."""

import tf_keras
from tf_keras import layers

from ganad_tf.exporting.quantization.folding import FoldedLayer
from ganad_tf.models.blocks import KERNEL
from ganad_tf.models.halving import STRIDE

ENCODER = ("encoder_1", "encoder_2", "encoder_3", "encoder_4")
DECODER = ("decoder_1", "decoder_2", "decoder_3", "decoder_4")
CONCATENATED = tuple(zip(DECODER[:-1], reversed(ENCODER[:-1]), strict=True))
"""The layers whose maps each skip connection puts side by side, in this order."""


def build_twin(folded: list[FoldedLayer], size: int) -> tf_keras.Model:
    """Build a tf_keras model that computes what the generator computes at inference.

    Args:
        folded: The layers from `fold_generator`.
        size: Height and width of the images in pixels.

    Returns:
        A functional model from float32 `(batch, size, size, channels)` in [0, 1] to
        reconstructions of that shape; ReLUs are part of their convolutions.
    """
    weights = {layer.name: layer for layer in folded}
    image = tf_keras.Input((size, size, weights[ENCODER[0]].kernel.shape[2]), name="image")
    skips = []
    maps = image
    for name in ENCODER:
        maps = _convolution(name, weights[name], "relu")(maps)
        skips.append(maps)
    skips.pop()
    for name in DECODER[:-1]:
        maps = _upconvolution(name, weights[name], "relu")(maps)
        maps = layers.Concatenate(name=f"{name}_skip")([maps, skips.pop()])
    twin = tf_keras.Model(
        image, _upconvolution(DECODER[-1], weights[DECODER[-1]], None)(maps), name="generator"
    )
    for layer in folded:
        twin.get_layer(layer.name).set_weights([layer.kernel, layer.bias])
    return twin


def _convolution(name: str, layer: FoldedLayer, activation: str | None) -> layers.Layer:
    return layers.Conv2D(
        len(layer.bias), KERNEL, STRIDE, padding="same", activation=activation, name=name
    )


def _upconvolution(name: str, layer: FoldedLayer, activation: str | None) -> layers.Layer:
    return layers.Conv2DTranspose(
        len(layer.bias), KERNEL, STRIDE, padding="same", activation=activation, name=name
    )
