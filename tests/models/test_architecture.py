"""The description of the networks against the Keras models that are built from it."""

import math

import keras
import numpy as np
import pytest

from ganad_station.sizes import ImageSize
from ganad_tf.config.schema import DOWNSAMPLING
from ganad_tf.models.architecture import (
    DISCRIMINATOR,
    ENCODER,
    GENERATOR,
    IMAGE,
    SKIPS,
    STRIDE,
    Layer,
    layer_shapes,
    walk,
)
from ganad_tf.models.discriminator import build_discriminator
from ganad_tf.models.generator import build_generator

NETWORKS = [(GENERATOR, build_generator), (DISCRIMINATOR, build_discriminator)]


def test_images_are_a_multiple_of_what_the_encoder_shrinks_them_by() -> None:
    assert STRIDE ** len(ENCODER) == DOWNSAMPLING


def test_each_decoder_layer_but_the_first_reads_the_encoder_layer_of_its_size() -> None:
    assert [layer.inputs for layer in SKIPS] == [
        ("decoder_1", "encoder_3"),
        ("decoder_2", "encoder_2"),
        ("decoder_3", "encoder_1"),
    ]
    shapes = layer_shapes(GENERATOR, 32, 3)
    for first, second in (layer.inputs for layer in SKIPS):
        assert shapes[first].output_size == shapes[second].output_size
        assert shapes[first].output_channels == shapes[second].output_channels


@pytest.mark.parametrize(("layers", "build"), NETWORKS)
@pytest.mark.parametrize(("size", "channels", "width"), [(32, 3, 8), ((32, 48), 1, 5)])
def test_shapes_and_counts_are_those_of_the_keras_layers(
    layers: tuple[Layer, ...], build, size: ImageSize, channels: int, width: int
) -> None:
    network = build(size, channels, width)
    names = {layer.name for layer in network.layers}
    shapes = layer_shapes(layers, size, channels, width)
    for layer in layers:
        shape, convolution = shapes[layer.name], network.get_layer(layer.name)
        assert convolution.input.shape[1:] == (
            *shape.input_size,
            shape.input_channels,
        )
        assert convolution.output.shape[1:] == (
            *shape.output_size,
            shape.output_channels,
        )
        assert shape.kernel_weights == math.prod(convolution.kernel.shape)
        is_transposed = isinstance(convolution, keras.layers.Conv2DTranspose)
        positions = (convolution.input if is_transposed else convolution.output).shape[1:3]
        assert shape.multiply_adds == math.prod(positions) * math.prod(convolution.kernel.shape)
        assert (layer.norm_name in names) == layer.is_normalized
        assert (layer.activation_name in names) == (layer.activation is not None)
    total = sum(shape.trainable_parameters for shape in shapes.values())
    assert total == sum(np.prod(weight.shape) for weight in network.trainable_weights)


def test_the_parameters_are_those_of_the_paper() -> None:
    for layers, expected in ((GENERATOR, 97_744), (DISCRIMINATOR, 76_384)):
        shapes = layer_shapes(layers, 32, 3).values()
        assert sum(shape.trainable_parameters for shape in shapes) == expected


def test_walk_hands_each_layer_the_outputs_of_its_inputs() -> None:
    outputs = walk(
        GENERATOR,
        {IMAGE: "x"},
        apply=lambda layer, value: f"{layer.name[0]}{layer.name[-1]}({value})",
        concatenate=lambda _, values: " ".join(values),
    )
    assert outputs["encoder_2"] == "e2(e1(x))"
    assert outputs["decoder_2"] == "d2(d1(e4(e3(e2(e1(x))))) e3(e2(e1(x))))"
    assert list(outputs) == [IMAGE, *(layer.name for layer in GENERATOR)]
