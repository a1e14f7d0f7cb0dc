"""The generator: a small U-Net that reconstructs its input (paper, section 3.3)."""

import keras

from ganad_station.sizes import ImageSize, height_and_width
from ganad_tf.models.architecture import FIRST, GENERATOR, LATENT
from ganad_tf.models.network import build_network


def build_generator(size: ImageSize, channels: int, width: int = 8) -> keras.Model:
    """Build the U-Net generator as a functional model.

    Four 4x4 stride-2 convolutions (`width` x 1, 2, 4, 8 channels) and four 4x4 stride-2
    transposed convolutions (`width` x 4, 2, 1 channels, and those of the image), without
    biases, with batch normalization after every layer but the first and the last, and skip
    connections into the last three transposed convolutions. With `width=8, channels=3` it has
    the 97,744 trainable parameters of the paper.

    The last layer has no activation: training sees values outside [0, 1] and their gradient,
    scoring clips them, and an int8 output of the range [0, 1] saturates at both ends.

    Args:
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.
        channels: Channels of the images, 1 (grey) or 3 (RGB).
        width: Channels of the first convolution.

    Returns:
        A model from float32 images `(batch, rows, columns, channels)` in [0, 1] to float32
        reconstructions of the same shape, unbounded.

    Raises:
        UserError: If a side is not a multiple of 16, or `channels` or `width` not positive.
    """
    return build_network(GENERATOR, size, channels, width, "generator")


def resize_generator(generator: keras.Model, size: ImageSize) -> keras.Model:
    """Return a generator with the same weights for images of another size.

    The generator is fully convolutional, so what it has learned on tiles applies to whole images.

    Args:
        generator: A model from `build_generator`; returned as it is if it has this size already.
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.

    Raises:
        UserError: If a side is not a multiple of 16.
    """
    *_, channels = generator.input_shape
    if height_and_width(size) == generator.input_shape[1:3]:
        return generator
    resized = build_generator(size, channels, generator.get_layer(FIRST.name).filters)
    resized.set_weights(generator.get_weights())
    return resized


def build_encoder(generator: keras.Model) -> keras.Model:
    """Return the first half of a generator as a model that shares its weights.

    Args:
        generator: A model from `build_generator`.

    Returns:
        A model from images `(batch, rows, columns, channels)` to latent feature maps
        `(batch, rows / 16, columns / 16, 8 * width)`.
    """
    latents = generator.get_layer(LATENT.activation_name).output
    return keras.Model(generator.input, latents, name="encoder")
