"""A plain binary classifier of the same normal images and the same sampled anomalies."""

import tensorflow as tf

from ganad_station.sizes import ImageSize
from tools.experiments.baselines.baseline import Baseline
from tools.experiments.baselines.networks import build_classifier


class Classifier(Baseline):
    """The generator's encoder with a logistic head; the score is the logit.

    Args:
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.
        channels: Channels of the images.
        width: Channels of the first layer.
        averaging: Decay of the moving average per step.
    """

    learns_from_anomalies = True

    def __init__(self, size: ImageSize, channels: int, width: int, averaging: float) -> None:
        super().__init__(
            lambda: build_classifier(size, channels, width), averaging, ("cross_entropy",)
        )

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the logit of being an anomaly of each image, `(batch,)`."""
        return self.averaged_network(images, training=False)

    def train_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """Update the network once on a batch of normal images and one of anomalies.

        One pass over both, for batch statistics of their own would give them away.
        """
        normal, anomaly, *_ = data
        with tf.GradientTape() as tape:
            logits = self.network(tf.concat([normal, anomaly], 0), training=True)
            labels = tf.concat([tf.zeros(tf.shape(normal)[:1]), tf.ones(tf.shape(anomaly)[:1])], 0)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
        variables = self.network.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return self.finish_step(cross_entropy=loss)
