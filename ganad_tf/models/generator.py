"""The generator: a small U-Net that reconstructs its input (paper, section 3.3)."""

import keras
from keras import layers

from ganad_tf.models.blocks import check_shape, downconvolution, normalized_relu, upconvolution


def build_generator(size: int, channels: int, width: int = 8) -> keras.Model:
    """Build the U-Net generator as a functional model.

    Four 4x4 stride-2 convolutions (`width` x 1, 2, 4, 8 maps) and four 4x4 stride-2
    transposed convolutions (`width` x 4, 2, 1, `channels` maps), without biases, with batch
    normalization after every layer but the first and the last, and skip concatenations into
    the last three transposed convolutions. With `width=8, channels=3` it has the 97,744
    trainable parameters of the paper.

    The last layer has no activation: training sees values outside [0, 1] and their gradient,
    scoring clips them, and an int8 output of the range [0, 1] does so by itself.

    Args:
        size: Height and width of the images in pixels; a multiple of 16.
        channels: Channels of the images, 1 (grey) or 3 (RGB).
        width: Maps of the first convolution.

    Returns:
        A model from float32 images `(batch, size, size, channels)` in [0, 1] to float32
        reconstructions of the same shape, unbounded.

    Raises:
        UserError: If `size` is not a multiple of 16, or `channels` or `width` not positive.
    """
    check_shape(size, channels, width)
    image = keras.Input((size, size, channels), name="image")
    skips = [layers.ReLU(name="encoder_1_relu")(downconvolution(width, "encoder_1")(image))]
    for depth, factor in enumerate((2, 4, 8), start=2):
        maps = downconvolution(width * factor, f"encoder_{depth}")(skips[-1])
        skips.append(normalized_relu(maps, f"encoder_{depth}"))
    maps = skips.pop()
    for depth, factor in enumerate((4, 2, 1), start=1):
        maps = upconvolution(width * factor, f"decoder_{depth}")(maps)
        maps = normalized_relu(maps, f"decoder_{depth}")
        maps = layers.Concatenate(name=f"skip_{depth}")([maps, skips.pop()])
    return keras.Model(image, upconvolution(channels, "decoder_4")(maps), name="generator")


def resize_generator(generator: keras.Model, size: int) -> keras.Model:
    """Return a generator of the same weights for images of another size; itself for its own.

    All its layers are convolutions, so that what it learned on tiles it does to whole images.

    Args:
        generator: A model from `build_generator`.
        size: Height and width of the images in pixels; a multiple of 16.

    Raises:
        UserError: If `size` is not a multiple of 16.
    """
    _, own_size, _, channels = generator.input_shape
    if size == own_size:
        return generator
    width = generator.get_layer("encoder_1").filters
    resized = build_generator(size, channels, width)
    resized.set_weights(generator.get_weights())
    return resized


def build_encoder(generator: keras.Model) -> keras.Model:
    """View the first half of a generator as a model of its own; the weights are shared.

    Args:
        generator: A model from `build_generator`.

    Returns:
        A model from images `(batch, size, size, channels)` to latent maps
        `(batch, size / 16, size / 16, 8 * width)`.
    """
    return keras.Model(
        generator.input, generator.get_layer("encoder_4_relu").output, name="encoder"
    )
