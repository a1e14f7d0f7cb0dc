"""The discriminator: a patch classifier of real against reconstructed images."""

import keras

from ganad_station.sizes import ImageSize
from ganad_tf.models.architecture import DISCRIMINATOR
from ganad_tf.models.network import build_network


def build_discriminator(
    size: ImageSize, channels: int, width: int = 8, name: str = "discriminator"
) -> keras.Model:
    """Build one discriminator as a functional model (paper, section 3.3).

    Three 4x4 stride-2 convolutions (`width` x 1, 2, 4 channels) and two 4x4 stride-1
    convolutions (`width` x 8 and x 4 channels), without biases, with batch normalization on
    layers 2 to 4. With `width=8, channels=3` it has the 76,384 trainable parameters of the
    paper. Only training needs it, so its activation (LeakyReLU) need not be one that stations
    can run.

    Args:
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.
        channels: Channels of the images.
        width: Channels of the first convolution.
        name: Name of the model.

    Returns:
        A model from float32 images `(batch, rows, columns, channels)` in [0, 1] to unbounded
        float32 feature maps `(batch, rows / 8, columns / 8, 4 * width)`: values near 1 mean that
        the patch around them is real, values near 0 that it is reconstructed.

    Raises:
        UserError: If a side is not a multiple of 16, or `channels` or `width` not positive.
    """
    return build_network(DISCRIMINATOR, size, channels, width, name)
