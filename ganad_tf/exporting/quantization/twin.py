"""The folded generator rebuilt in tf_keras, the only Keras that tfmot quantizes."""

import tensorflow as tf
import tf_keras
from tf_keras import layers

from ganad_station.sizes import ImageSize, height_and_width
from ganad_tf.exporting.quantization.folding import FoldedLayer
from ganad_tf.models.architecture import (
    FIRST,
    GENERATOR,
    IMAGE,
    KERNEL,
    LAST,
    STRIDE,
    Kind,
    Layer,
    walk,
)

CONVOLUTIONS = {Kind.HALVING: layers.Conv2D, Kind.DOUBLING: layers.Conv2DTranspose}


def build_twin(folded: dict[str, FoldedLayer], size: ImageSize) -> tf_keras.Model:
    """Build a tf_keras model that computes what the generator computes at inference.

    Args:
        folded: The layers from `fold_generator`.
        size: Height and width of the images in pixels, or one number for squares.

    Returns:
        A functional model from float32 `(batch, height, width, channels)` in [0, 1] to
        reconstructions of that shape; ReLUs are part of their convolutions.
    """

    def apply(layer: Layer, inputs: tf.Tensor) -> tf.Tensor:
        convolution = CONVOLUTIONS[layer.kind](
            len(folded[layer.name].bias),
            KERNEL,
            STRIDE,
            padding="same",
            activation=layer.activation,
            name=layer.name,
        )
        return convolution(inputs)

    def concatenate(layer: Layer, inputs: list[tf.Tensor]) -> tf.Tensor:
        return layers.Concatenate(name=layer.skip_name)(inputs)

    channels = folded[FIRST.name].kernel.shape[2]
    image = tf_keras.Input((*height_and_width(size), channels), name=IMAGE)
    outputs = walk(GENERATOR, {IMAGE: image}, apply, concatenate)
    twin = tf_keras.Model(image, outputs[LAST.name], name="generator")
    for name, layer in folded.items():
        twin.get_layer(name).set_weights([layer.kernel, layer.bias])
    return twin
