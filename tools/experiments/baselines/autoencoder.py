"""A plain auto-encoder: normal images alone, L1, the score is the reconstruction error."""

import keras
import tensorflow as tf

from ganad_station.sizes import ImageSize
from ganad_tf.models.generator import build_generator
from ganad_tf.models.losses import image_errors, reconstruction_loss
from tools.experiments.baselines.baseline import Baseline
from tools.experiments.baselines.networks import build_skipless_generator


class Autoencoder(Baseline):
    """The generator, trained to reconstruct normal images and nothing else.

    Args:
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.
        channels: Channels of the images.
        width: Channels of the first layer.
        averaging: Decay of the moving average per step.
    """

    def __init__(self, size: ImageSize, channels: int, width: int, averaging: float) -> None:
        super().__init__(
            lambda: self.build_network(size, channels, width), averaging, ("reconstruction",)
        )

    @staticmethod
    def build_network(size: ImageSize, channels: int, width: int) -> keras.Model:
        """Build the generator of the detector, a U-Net."""
        return build_generator(size, channels, width)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the mean absolute error of each image, `(batch,)`."""
        reconstructions = self.averaged_network(images, training=False)
        return image_errors(images, tf.clip_by_value(reconstructions, 0.0, 1.0))

    def train_step(self, normal: tf.Tensor) -> dict[str, tf.Tensor]:
        """Update the network once on a batch of normal images."""
        with tf.GradientTape() as tape:
            loss = reconstruction_loss(normal, self.network(normal, training=True))
        variables = self.network.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return self.finish_step(reconstruction=loss)


class SkiplessAutoencoder(Autoencoder):
    """The autoencoder without skip connections, which would let it reconstruct anomalies, too."""

    @staticmethod
    def build_network(size: ImageSize, channels: int, width: int) -> keras.Model:
        """Build the generator without skips."""
        return build_skipless_generator(size, channels, width)
