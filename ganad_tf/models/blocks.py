"""The layers that the generator and the discriminators are made of."""

import keras
from keras import layers

from ganad_tf.config import check_size
from ganad_tf.errors import UserError
from ganad_tf.models.halving import STRIDE, DoublingConv2D, HalvingConv2D
from ganad_tf.models.normalization import FusedBatchNormalization

KERNEL = 4


def check_shape(size: int, channels: int, width: int) -> None:
    """Raise `UserError` unless networks of this shape can be built."""
    check_size(size)
    if channels <= 0 or width <= 0:
        raise UserError(f"channels and width must be positive, got {channels} and {width}")


def convolution(maps: int, name: str) -> layers.Conv2D:
    """Return a 4x4 stride-1 convolution without bias."""
    return layers.Conv2D(maps, KERNEL, padding="same", use_bias=False, name=name)


def downconvolution(maps: int, name: str) -> layers.Conv2D:
    """Return a 4x4 stride-2 convolution without bias."""
    return HalvingConv2D(maps, KERNEL, STRIDE, padding="same", use_bias=False, name=name)


def upconvolution(maps: int, name: str) -> layers.Conv2DTranspose:
    """Return a 4x4 stride-2 transposed convolution without bias."""
    return DoublingConv2D(maps, KERNEL, STRIDE, padding="same", use_bias=False, name=name)


def normalization(name: str) -> layers.BatchNormalization:
    """Return the batch normalization that follows the convolution of a name."""
    return FusedBatchNormalization(name=f"{name}_norm")


def normalized_relu(maps: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Apply batch normalization, then a ReLU: the one activation that every target maps."""
    return layers.ReLU(name=f"{name}_relu")(normalization(name)(maps))
