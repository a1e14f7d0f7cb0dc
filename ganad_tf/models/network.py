"""The networks of the architecture as functional Keras models."""

import itertools
from collections.abc import Iterable

import keras
from keras import layers

from ganad_station.sizes import ImageSize, height_and_width
from ganad_tf.config import check_size
from ganad_tf.errors import UserError
from ganad_tf.models.architecture import (
    IMAGE,
    KERNEL,
    LEAK,
    STRIDE,
    Activation,
    Kind,
    Layer,
    walk,
)
from ganad_tf.models.halving import DoublingConv2D, HalvingConv2D
from ganad_tf.models.normalization import FusedBatchNormalization

CONVOLUTIONS = {
    Kind.KEEPING: (layers.Conv2D, 1),
    Kind.HALVING: (HalvingConv2D, STRIDE),
    Kind.DOUBLING: (DoublingConv2D, STRIDE),
}


def build_network(
    architecture: tuple[Layer, ...], size: ImageSize, channels: int, width: int, name: str
) -> keras.Model:
    """Build a network as a functional model.

    Args:
        architecture: Its layers; the last one gives the output.
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.
        channels: Channels of the images.
        width: Channels of the first layer.
        name: Name of the model.

    Returns:
        A model that takes float32 images `(batch, rows, columns, channels)` in [0, 1].

    Raises:
        UserError: If a side is not a multiple of 16, or `channels` or `width` not positive.
    """
    check_size(size)
    if channels <= 0 or width <= 0:
        raise UserError(f"channels and width must be positive, got {channels} and {width}")
    image = keras.Input((*height_and_width(size), channels), name=IMAGE)
    outputs = connect(architecture, {IMAGE: image}, channels, width)
    return keras.Model(image, outputs[architecture[-1].name], name=name)


def connect(
    architecture: Iterable[Layer], values: dict[str, keras.KerasTensor], channels: int, width: int
) -> dict[str, keras.KerasTensor]:
    """Create the Keras layers of an architecture and connect them.

    Args:
        architecture: Layers, each after those that it reads.
        values: What the first of them read, by name.
        channels: Channels of the images.
        width: Channels of the first layer of the network.

    Returns:
        The outputs of all layers by name, feature maps `(batch, height, width, channels)`.
    """
    numbers = itertools.count(1)

    def apply(layer: Layer, inputs: keras.KerasTensor) -> keras.KerasTensor:
        kind, stride = CONVOLUTIONS[layer.kind]
        convolution = kind(
            layer.output_channels(width, channels),
            KERNEL,
            stride,
            padding="same",
            use_bias=False,
            name=layer.name,
        )
        outputs = convolution(inputs)
        if layer.is_normalized:
            outputs = FusedBatchNormalization(name=layer.norm_name)(outputs)
        if layer.activation == Activation.RELU:
            outputs = layers.ReLU(name=layer.activation_name)(outputs)
        if layer.activation == Activation.LEAKY_RELU:
            outputs = layers.LeakyReLU(LEAK, name=layer.activation_name)(outputs)
        return outputs

    def concatenate(_: Layer, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        return layers.Concatenate(name=f"skip_{next(numbers)}")(inputs)

    return walk(architecture, values, apply, concatenate)
