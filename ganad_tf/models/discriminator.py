"""The discriminator: a patch classifier of real against reconstructed images."""

import keras
from keras import layers

from ganad_tf.models.blocks import check_shape, convolution, downconvolution, normalization

LEAK = 0.2


def build_discriminator(
    size: int, channels: int, width: int = 8, name: str = "discriminator"
) -> keras.Model:
    """Build one discriminator as a functional model (paper, section 3.3).

    Three 4x4 stride-2 convolutions (`width` x 1, 2, 4 maps) and two 4x4 stride-1
    convolutions (`width` x 8 and x 4 maps), without biases, with batch normalization on
    layers 2 to 4. With `width=8, channels=3` it has the 76,384 trainable parameters of the
    paper. It exists at training time alone, so its activation (LeakyReLU) need not be one
    that stations can run.

    Args:
        size: Height and width of the images in pixels; a multiple of 16.
        channels: Channels of the images.
        width: Maps of the first convolution.
        name: Name of the model.

    Returns:
        A model from float32 images `(batch, size, size, channels)` in [0, 1] to unbounded
        float32 maps `(batch, size / 8, size / 8, 4 * width)`; a map value near 1 says that
        its patch is real, near 0 that it is reconstructed.

    Raises:
        UserError: If `size` is not a multiple of 16, or `channels` or `width` not positive.
    """
    check_shape(size, channels, width)
    image = keras.Input((size, size, channels), name="image")
    maps = layers.LeakyReLU(LEAK, name="layer_1_relu")(downconvolution(width, "layer_1")(image))
    for layer, factor, convolve in (
        ("layer_2", 2, downconvolution),
        ("layer_3", 4, downconvolution),
        ("layer_4", 8, convolution),
    ):
        maps = normalization(layer)(convolve(width * factor, layer)(maps))
        maps = layers.LeakyReLU(LEAK, name=f"{layer}_relu")(maps)
    return keras.Model(image, convolution(width * 4, "layer_5")(maps), name=name)
