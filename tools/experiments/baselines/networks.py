"""The networks that the baselines need beside the generator and the discriminator."""

import keras
from keras import layers

from ganad_tf.models.blocks import normalized_relu, upconvolution
from ganad_tf.models.generator import build_encoder, build_generator


def build_skipless_generator(size: int, channels: int, width: int) -> keras.Model:
    """Build the generator without its skip connections.

    Skips carry the image past the bottleneck, so that a network that has seen no anomalies
    copies them as well as anything else. Methods that rest on the bottleneck get this one.

    Returns:
        A model from float32 images `(batch, size, size, channels)` in [0, 1] to unbounded
        float32 reconstructions of the same shape.
    """
    encoder = build_encoder(build_generator(size, channels, width))
    return keras.Model(encoder.input, _decode(encoder.output, channels, width), name="skipless")


def build_encoder_decoder_encoder(size: int, channels: int, width: int) -> keras.Model:
    """Build GANomaly's generator from the halves of ours, without skips as in the original.

    The second encoder has the shape of the first and weights of its own.

    Returns:
        A model from images `(batch, size, size, channels)` to their reconstructions, their
        latent maps `(batch, size / 16, size / 16, 8 * width)`, and those of the
        reconstructions under the second encoder.
    """
    first = build_encoder(build_generator(size, channels, width))
    second = build_encoder(build_generator(size, channels, width))
    copies = _decode(first.output, channels, width)
    return keras.Model(first.input, (copies, first.output, second(copies)), name="ganomaly")


def build_classifier(size: int, channels: int, width: int) -> keras.Model:
    """Build the generator's encoder with a logistic head on its flattened latent maps.

    Returns:
        A model from images `(batch, size, size, channels)` to logits `(batch,)`.
    """
    encoder = build_encoder(build_generator(size, channels, width))
    logit = layers.Dense(1, name="logit")(layers.Flatten()(encoder.output))
    return keras.Model(encoder.input, layers.Reshape(())(logit), name="classifier")


def _decode(maps: keras.KerasTensor, channels: int, width: int) -> keras.KerasTensor:
    for depth, factor in enumerate((4, 2, 1), start=1):
        maps = upconvolution(width * factor, f"decoder_{depth}")(maps)
        maps = normalized_relu(maps, f"decoder_{depth}")
    return upconvolution(channels, "decoder_4")(maps)
