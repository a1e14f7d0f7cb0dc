"""The layers that the generator and the discriminators are made of."""

import keras
from keras import layers

from ganad_tf.config import check_size
from ganad_tf.errors import UserError

KERNEL = 4
STRIDE = 2


def check_shape(size: int, channels: int, width: int) -> None:
    """Raise `UserError` unless networks of this shape can be built."""
    check_size(size)
    if channels <= 0 or width <= 0:
        raise UserError(f"channels and width must be positive, got {channels} and {width}")


def convolution(maps: int, stride: int, name: str) -> layers.Conv2D:
    """Return a 4x4 convolution without bias."""
    return layers.Conv2D(maps, KERNEL, stride, padding="same", use_bias=False, name=name)


def upconvolution(maps: int, name: str) -> layers.Conv2DTranspose:
    """Return a 4x4 stride-2 transposed convolution without bias."""
    return layers.Conv2DTranspose(maps, KERNEL, STRIDE, padding="same", use_bias=False, name=name)


def normalized_relu(maps: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Apply batch normalization, then a ReLU: the one activation that every target maps."""
    maps = layers.BatchNormalization(name=f"{name}_norm")(maps)
    return layers.ReLU(name=f"{name}_relu")(maps)
