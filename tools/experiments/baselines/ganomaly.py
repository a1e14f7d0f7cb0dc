"""GANomaly's losses and score (Akcay, Atapour-Abarghouei, Breckon, ACCV 2018) on our networks."""

import keras
import tensorflow as tf

from ganad_station.sizes import ImageSize
from ganad_tf.models.discriminator import build_discriminator
from ganad_tf.models.losses import reconstruction_loss
from tools.experiments.baselines.baseline import Baseline
from tools.experiments.baselines.networks import build_encoder_decoder_encoder

CONTEXTUAL_WEIGHT, ENCODER_WEIGHT, ADVERSARIAL_WEIGHT = 50.0, 1.0, 1.0


class Ganomaly(Baseline):
    """An encoder, a decoder and a second encoder against a discriminator, on normal images.

    As in the original: the losses and their weights, no skip connections, a second encoder with
    weights of its own, a discriminator with binary cross-entropy, and as the score the squared
    distance of the two latents. Not as in the original: images in [0, 1] and a linear last
    layer, a discriminator that judges patches, latent feature maps after a ReLU, one update of all
    networks per step, and the optimizer, learning rate and average of the detector.

    Args:
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.
        channels: Channels of the images.
        width: Channels of the first layer of each network.
        averaging: Decay of the moving average per step.
    """

    def __init__(self, size: ImageSize, channels: int, width: int, averaging: float) -> None:
        super().__init__(
            lambda: build_encoder_decoder_encoder(size, channels, width),
            averaging,
            ("contextual", "encoder", "adversarial", "discriminator"),
        )
        discriminator = build_discriminator(size, channels, width)
        last = discriminator.layers[-1]
        self.discriminator = keras.Model(discriminator.input, (last.input, last.output))

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the mean squared distance of the two latents of each image, `(batch,)`."""
        _, latents, reconstructed_latents = self.averaged_network(images, training=False)
        return tf.reduce_mean(tf.square(latents - reconstructed_latents), axis=(1, 2, 3))

    def train_step(self, normal: tf.Tensor) -> dict[str, tf.Tensor]:
        """Update generator and discriminator once on a batch of normal images."""
        with tf.GradientTape(persistent=True) as tape:
            reconstructions, latents, reconstructed_latents = self.network(normal, training=True)
            features, logits = self.discriminator(
                tf.concat([normal, reconstructions], 0), training=True
            )
            real_features, fake_features = tf.split(features, 2)
            contextual = reconstruction_loss(normal, reconstructions)
            encoder = tf.reduce_mean(tf.square(latents - reconstructed_latents))
            adversarial = tf.reduce_mean(tf.square(real_features - fake_features))
            generator_loss = (
                CONTEXTUAL_WEIGHT * contextual
                + ENCODER_WEIGHT * encoder
                + ADVERSARIAL_WEIGHT * adversarial
            )
            discriminator_loss = _cross_entropy(*tf.split(logits, 2))
        ours, theirs = self.network.trainable_variables, self.discriminator.trainable_variables
        gradients = tape.gradient(generator_loss, ours) + tape.gradient(discriminator_loss, theirs)
        self.optimizer.apply(gradients, ours + theirs)
        return self.finish_step(
            contextual=contextual,
            encoder=encoder,
            adversarial=adversarial,
            discriminator=discriminator_loss,
        )


def _cross_entropy(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    real = tf.nn.sigmoid_cross_entropy_with_logits(tf.ones_like(real_logits), real_logits)
    fake = tf.nn.sigmoid_cross_entropy_with_logits(tf.zeros_like(fake_logits), fake_logits)
    return tf.reduce_mean(real) + tf.reduce_mean(fake)
