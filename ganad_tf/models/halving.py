"""4x4 stride-2 convolutions whose gradients are computed at stride 1.

A stride-2 convolution equals a stride-1 convolution with a 2x2 kernel over blocks of 2x2 pixels
(Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016). With the few
channels of these networks, the CPU kernels for the gradient of the input, which also compute a
transposed convolution, take half the time in that form; those of the forward pass do not.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from ganad_tf.models.architecture import KERNEL, STRIDE
from ganad_tf.models.supported import check_supported

STRIDES = [1, STRIDE, STRIDE, 1]

SUPPORTED = {
    "kernel_size": (KERNEL, KERNEL),
    "strides": (STRIDE, STRIDE),
    "padding": "same",
    "data_format": "channels_last",
    "dilation_rate": (1, 1),
    "activation": keras.activations.linear,
    "use_bias": False,
}

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


@tf.custom_gradient
def halving_convolution(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Convolve with a 4x4 kernel at stride 2, with `same` padding.

    Args:
        inputs: float32 `(batch, height, width, in)`, height and width static and even.
        kernel: float32 `(4, 4, in, out)`.

    Returns:
        float32 `(batch, height / 2, width / 2, out)`.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _adjoint(upstream, kernel), _kernel_gradient(inputs, kernel, upstream)

    return tf.nn.conv2d(inputs, kernel, STRIDE, "SAME"), gradient


@tf.custom_gradient
def doubling_convolution(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Apply a transposed convolution with a 4x4 kernel at stride 2, with `same` padding.

    Args:
        inputs: float32 `(batch, height, width, in)`, height and width static.
        kernel: float32 `(4, 4, out, in)`.

    Returns:
        float32 `(batch, 2 * height, 2 * width, out)`.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return (
            tf.nn.conv2d(upstream, kernel, STRIDE, "SAME"),
            _kernel_gradient(upstream, kernel, inputs),
        )

    return _adjoint(inputs, kernel), gradient


def _adjoint(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Apply the transpose of `halving_convolution`, which doubles height and width."""
    _, height, width, _ = inputs.shape
    channels, out = kernel.shape[2:]
    blocks = tf.reshape(kernel, (2, 2, 2, 2, channels, out))
    block_kernel = tf.reshape(tf.transpose(blocks, (0, 2, 1, 3, 4, 5)), (2, 2, 4 * channels, out))
    outputs = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.stack([tf.shape(inputs)[0], height + 1, width + 1, 4 * channels]),
        filter=block_kernel,
        out_backprop=inputs,
        strides=[1, 1, 1, 1],
        padding="VALID",
    )
    return _without_blocks(outputs)[:, 1:-1, 1:-1]


def _without_blocks(inputs: tf.Tensor) -> tf.Tensor:
    """Return what `tf.nn.depth_to_space` returns, which copies value by value."""
    _, height, width, depth = inputs.shape
    block_rows = tf.reshape(inputs, (-1, height, width, STRIDE, depth // STRIDE))
    rows = tf.transpose(block_rows, (0, 1, 3, 2, 4))
    return tf.reshape(rows, (-1, STRIDE * height, STRIDE * width, depth // STRIDE**2))


def _kernel_gradient(large: tf.Tensor, kernel: tf.Tensor, small: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.Conv2DBackpropFilter(
        input=large,
        filter_sizes=kernel.shape,
        out_backprop=small,
        strides=STRIDES,
        padding="SAME",
    )


@keras.saving.register_keras_serializable(package="ganad_tf")
class HalvingConv2D(layers.Conv2D):
    """A `keras.layers.Conv2D` that is 4x4 at stride 2, with `same` padding and no bias.

    Raises:
        ValueError: If a setting differs, or, when the layer is built, if the height or the width
            of the input is unknown or odd.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check_supported(self, groups=1, **SUPPORTED)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the kernel for inputs `(batch, height, width, in)`."""
        if any(size is None or size % STRIDE for size in input_shape[1:-1]):
            raise ValueError(f"HalvingConv2D needs even height and width, got {input_shape}")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolve float32 inputs `(batch, height, width, in)` to half their height and width."""
        return halving_convolution(inputs, tf.convert_to_tensor(self.kernel))


@keras.saving.register_keras_serializable(package="ganad_tf")
class DoublingConv2D(layers.Conv2DTranspose):
    """A `keras.layers.Conv2DTranspose` that is 4x4 at stride 2, with `same` padding and no bias.

    Raises:
        ValueError: If a setting differs, or, when the layer is built, if the height or the width
            of the input is unknown.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check_supported(self, output_padding=None, **SUPPORTED)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the kernel for inputs `(batch, height, width, in)`."""
        if None in input_shape[1:-1]:
            raise ValueError(f"DoublingConv2D needs a known height and width, got {input_shape}")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolve float32 inputs `(batch, height, width, in)` to twice their height and width."""
        return doubling_convolution(inputs, tf.convert_to_tensor(self.kernel))
