"""4x4 stride-2 convolutions whose gradients are computed at stride 1.

A stride-2 convolution equals a stride-1 convolution with a 2x2 kernel over blocks of 2x2 pixels
(Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016). With the few
maps of these networks, the CPU kernels for the gradient of the input, which also compute a
transposed convolution, take half the time in that form; those of the forward pass do not.
"""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

STRIDE = 2
STRIDES = [1, STRIDE, STRIDE, 1]

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


@tf.custom_gradient
def halving_convolution(maps: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Convolve with a 4x4 kernel at stride 2, `same` padding.

    Args:
        maps: float32 `(batch, height, width, in)`, height and width static and even.
        kernel: float32 `(4, 4, in, out)`.

    Returns:
        float32 `(batch, height / 2, width / 2, out)`.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _adjoint(upstream, kernel), _kernel_gradient(maps, kernel, upstream)

    return tf.nn.conv2d(maps, kernel, STRIDE, "SAME"), gradient


@tf.custom_gradient
def doubling_convolution(maps: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Apply a transposed convolution with a 4x4 kernel at stride 2, `same` padding.

    Args:
        maps: float32 `(batch, height, width, in)`, height and width static.
        kernel: float32 `(4, 4, out, in)`.

    Returns:
        float32 `(batch, 2 * height, 2 * width, out)`.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return (
            tf.nn.conv2d(upstream, kernel, STRIDE, "SAME"),
            _kernel_gradient(upstream, kernel, maps),
        )

    return _adjoint(maps, kernel), gradient


def _adjoint(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Transpose `halving_convolution`: what takes `maps` back to twice their size."""
    _, height, width, _ = maps.shape
    channels, out = kernel.shape[2:]
    blocks = tf.reshape(kernel, (2, 2, 2, 2, channels, out))
    block_kernel = tf.reshape(tf.transpose(blocks, (0, 2, 1, 3, 4, 5)), (2, 2, 4 * channels, out))
    block_maps = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.stack([tf.shape(maps)[0], height + 1, width + 1, 4 * channels]),
        filter=block_kernel,
        out_backprop=maps,
        strides=[1, 1, 1, 1],
        padding="VALID",
    )
    return _without_blocks(block_maps)[:, 1:-1, 1:-1]


def _without_blocks(maps: tf.Tensor) -> tf.Tensor:
    """Do as `tf.nn.depth_to_space` does, which copies value by value."""
    _, height, width, depth = maps.shape
    block_rows = tf.reshape(maps, (-1, height, width, STRIDE, depth // STRIDE))
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
    """A `keras.layers.Conv2D` that is 4x4 at stride 2, with `same` padding and no bias."""

    def call(self, maps: tf.Tensor) -> tf.Tensor:
        """Convolve maps `(batch, height, width, in)` to half their height and width."""
        return halving_convolution(maps, tf.convert_to_tensor(self.kernel))


@keras.saving.register_keras_serializable(package="ganad_tf")
class DoublingConv2D(layers.Conv2DTranspose):
    """A `keras.layers.Conv2DTranspose`, 4x4 at stride 2, with `same` padding and no bias."""

    def call(self, maps: tf.Tensor) -> tf.Tensor:
        """Bring maps `(batch, height, width, in)` to twice their height and width."""
        return doubling_convolution(maps, tf.convert_to_tensor(self.kernel))
