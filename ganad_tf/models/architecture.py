"""The layers of the generator and of the discriminator as data, free of any framework.

Whatever builds, exports or counts these networks walks this description: the Keras models, the
tf_keras twin, the ONNX files, the ranges of the activations, and the PyTorch twin of the benchmark.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from ganad_station.sizes import ImageSize, height_and_width

KERNEL = 4
STRIDE = 2
LEAK = 0.2
IMAGE = "image"

Value = TypeVar("Value")


class Kind(StrEnum):
    """What a 4x4 convolution with `same` padding and no bias does to height and width."""

    KEEPING = "keeping"
    HALVING = "halving"
    DOUBLING = "doubling"


class Activation(StrEnum):
    """The activation of a layer; `LEAK` is the slope of the leaky ReLU."""

    RELU = "relu"
    LEAKY_RELU = "leaky_relu"


@dataclass(frozen=True)
class Layer:
    """A convolution with its normalization and its activation.

    Attributes:
        name: Name of the convolution in all frameworks; the exported tensors are named after it.
        kind: A convolution of stride 1 or 2, or a transposed convolution of stride 2.
        width_factor: Output channels as a multiple of the width of the network, None for the
            channels of the image.
        inputs: Names of the layers whose outputs it reads, concatenated in this order.
        is_normalized: Whether batch normalization follows the convolution.
        activation: The activation at its end, None for none.
    """

    name: str
    kind: Kind
    width_factor: int | None
    inputs: tuple[str, ...]
    is_normalized: bool = True
    activation: Activation | None = Activation.RELU

    @property
    def norm_name(self) -> str:
        """Name of its batch normalization in the Keras models."""
        return f"{self.name}_norm"

    @property
    def activation_name(self) -> str:
        """Name of its activation in the Keras models and in ONNX files."""
        return f"{self.name}_relu"

    @property
    def skip_name(self) -> str:
        """Name of the concatenation of its inputs in the tf_keras twin and in ONNX files."""
        return f"{self.inputs[0]}_skip"

    def output_channels(self, width: int, image_channels: int) -> int:
        """Return the number of output channels in a network of a given width."""
        return image_channels if self.width_factor is None else width * self.width_factor


ENCODER = (
    Layer("encoder_1", Kind.HALVING, 1, (IMAGE,), is_normalized=False),
    Layer("encoder_2", Kind.HALVING, 2, ("encoder_1",)),
    Layer("encoder_3", Kind.HALVING, 4, ("encoder_2",)),
    Layer("encoder_4", Kind.HALVING, 8, ("encoder_3",)),
)
DECODER = (
    Layer("decoder_1", Kind.DOUBLING, 4, ("encoder_4",)),
    Layer("decoder_2", Kind.DOUBLING, 2, ("decoder_1", "encoder_3")),
    Layer("decoder_3", Kind.DOUBLING, 1, ("decoder_2", "encoder_2")),
    Layer(
        "decoder_4",
        Kind.DOUBLING,
        None,
        ("decoder_3", "encoder_1"),
        is_normalized=False,
        activation=None,
    ),
)
GENERATOR = (*ENCODER, *DECODER)
FIRST, LATENT, LAST = ENCODER[0], ENCODER[-1], DECODER[-1]
SKIPS = tuple(layer for layer in GENERATOR if len(layer.inputs) > 1)
"""The layers of the generator that read a concatenation of two others."""

DISCRIMINATOR = (
    Layer("layer_1", Kind.HALVING, 1, (IMAGE,), False, Activation.LEAKY_RELU),
    Layer("layer_2", Kind.HALVING, 2, ("layer_1",), True, Activation.LEAKY_RELU),
    Layer("layer_3", Kind.HALVING, 4, ("layer_2",), True, Activation.LEAKY_RELU),
    Layer("layer_4", Kind.KEEPING, 8, ("layer_3",), True, Activation.LEAKY_RELU),
    Layer("layer_5", Kind.KEEPING, 4, ("layer_4",), False, None),
)


def walk(
    layers: Iterable[Layer],
    values: Mapping[str, Value],
    apply: Callable[[Layer, Value], Value],
    concatenate: Callable[[Layer, list[Value]], Value],
) -> dict[str, Value]:
    """Apply layers in order, each to the outputs of the layers that it reads.

    Args:
        layers: Layers of a network, each after those that it reads.
        values: What is there before the first layer, by name: `{IMAGE: image}` for a whole network.
        apply: From a layer and its input to its output, normalization and activation included.
        concatenate: From a layer with several inputs and these inputs to their concatenation along
            the channels.

    Returns:
        The given values and the outputs of all layers, by name.
    """
    outputs = dict(values)
    for layer in layers:
        first, *others = (outputs[name] for name in layer.inputs)
        outputs[layer.name] = apply(
            layer, concatenate(layer, [first, *others]) if others else first
        )
    return outputs


@dataclass(frozen=True)
class LayerShape:
    """The shapes of a layer in a network of a given width, for images of a given size.

    Attributes:
        input_size: Height and width of the input in pixels.
        input_channels: Channels of the input, all concatenated ones included.
        output_size: Height and width of the output in pixels.
        output_channels: Channels of the output.
        is_normalized: Whether batch normalization follows the convolution.
    """

    input_size: tuple[int, int]
    input_channels: int
    output_size: tuple[int, int]
    output_channels: int
    is_normalized: bool

    @property
    def kernel_weights(self) -> int:
        """The number of weights of the kernel."""
        return KERNEL**2 * self.input_channels * self.output_channels

    @property
    def trainable_parameters(self) -> int:
        """The weights of the kernel, and a scale and an offset per normalized channel."""
        return self.kernel_weights + 2 * self.output_channels * self.is_normalized

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of the convolution for one image, positions in the border included.

        Each weight of a kernel is used once per position of the output, for a transposed
        convolution of the input: whichever is smaller.
        """
        positions = min(math.prod(self.input_size), math.prod(self.output_size))
        return positions * self.kernel_weights


_Maps = tuple[tuple[int, int], int]
"""Height and width of feature maps, and their number."""


def layer_shapes(
    layers: Iterable[Layer], size: ImageSize, channels: int, width: int = 8
) -> dict[str, LayerShape]:
    """Return the shapes of the layers of a network by name.

    Args:
        layers: `GENERATOR` or `DISCRIMINATOR`.
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.
        channels: Channels of the images.
        width: Channels of the first layer.
    """
    shapes = {}

    def apply(layer: Layer, value: _Maps) -> _Maps:
        (rows, columns), input_channels = value
        output_size = {
            Kind.KEEPING: (rows, columns),
            Kind.HALVING: (rows // STRIDE, columns // STRIDE),
            Kind.DOUBLING: (rows * STRIDE, columns * STRIDE),
        }[layer.kind]
        output_channels = layer.output_channels(width, channels)
        shapes[layer.name] = LayerShape(
            (rows, columns), input_channels, output_size, output_channels, layer.is_normalized
        )
        return output_size, output_channels

    def concatenate(_: Layer, values: list[_Maps]) -> _Maps:
        return values[0][0], sum(count for _, count in values)

    walk(layers, {IMAGE: (height_and_width(size), channels)}, apply, concatenate)
    return shapes
