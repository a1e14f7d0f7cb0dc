"""The networks that the baselines need beside the generator and the discriminator."""

import dataclasses

import keras
from keras import layers

from ganad_station.sizes import ImageSize
from ganad_tf.models.architecture import DECODER, LAST, LATENT
from ganad_tf.models.generator import build_encoder, build_generator
from ganad_tf.models.network import connect


def build_skipless_generator(size: ImageSize, channels: int, width: int) -> keras.Model:
    """Build the generator without its skip connections.

    Skip connections carry the image past the bottleneck, so a network that has seen no anomalies
    reconstructs them as well as normal images. Methods that rely on the bottleneck use this one.

    Returns:
        A model from float32 images `(batch, rows, columns, channels)` in [0, 1] to unbounded
        float32 reconstructions of the same shape.
    """
    encoder = build_encoder(build_generator(size, channels, width))
    return keras.Model(encoder.input, _decode(encoder.output, channels, width), name="skipless")


def build_encoder_decoder_encoder(size: ImageSize, channels: int, width: int) -> keras.Model:
    """Build GANomaly's generator from the halves of ours, without skips as in the original.

    The second encoder has the shape of the first and weights of its own.

    Returns:
        A model from images `(batch, rows, columns, channels)` to their reconstructions, their
        latent feature maps `(batch, rows / 16, columns / 16, 8 * width)`, and those of the
        reconstructions under the second encoder.
    """
    first = build_encoder(build_generator(size, channels, width))
    second = build_encoder(build_generator(size, channels, width))
    reconstructions = _decode(first.output, channels, width)
    outputs = (reconstructions, first.output, second(reconstructions))
    return keras.Model(first.input, outputs, name="ganomaly")


def build_classifier(size: ImageSize, channels: int, width: int) -> keras.Model:
    """Build the generator's encoder with a logistic head on its flattened latent feature maps.

    Returns:
        A model from images `(batch, rows, columns, channels)` to logits `(batch,)`.
    """
    encoder = build_encoder(build_generator(size, channels, width))
    logit = layers.Dense(1, name="logit")(layers.Flatten()(encoder.output))
    return keras.Model(encoder.input, layers.Reshape(())(logit), name="classifier")


def _decode(latents: keras.KerasTensor, channels: int, width: int) -> keras.KerasTensor:
    skipless = [dataclasses.replace(layer, inputs=layer.inputs[:1]) for layer in DECODER]
    return connect(skipless, {LATENT.name: latents}, channels, width)[LAST.name]
