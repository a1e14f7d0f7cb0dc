"""The inputs of the losses: images, reconstructions, latents and judgements of discriminators."""

from dataclasses import dataclass, field

import keras
import tensorflow as tf

from ganad_tf.config import LossConfig

NORMAL_DISCRIMINATOR, ANOMALY_DISCRIMINATOR = "normal_discriminator", "anomaly_discriminator"

Pair = tuple[tf.Tensor, tf.Tensor]


@dataclass(eq=False)
class LossInputs:
    """A batch of normal images and one of anomalies with all that losses are computed from.

    Latents and judgements are computed on first use, so that losses of weight 0 cost nothing.

    Attributes:
        config: Parameters of the losses.
        normal: Normal images and their reconstructions, each float32
            `(batch, rows, columns, channels)`; images are in [0, 1].
        anomaly: Anomalies and their reconstructions, in the same form.
        defects: float32 `(batch, rows, columns)`, 1 where the anomalies are defective and 0 where
            they are normal; None if they are anomalous everywhere.
        encoder: Model from images to latents, see `build_encoder`.
        discriminators: The discriminators by name.
        training: Whether batch normalization uses the statistics of the batch.
    """

    config: LossConfig
    normal: Pair
    anomaly: Pair
    defects: tf.Tensor | None
    encoder: keras.Model
    discriminators: dict[str, keras.Model]
    training: bool
    _latents: Pair | None = field(default=None, init=False)
    _judgements: dict[str, Pair] = field(default_factory=dict, init=False)

    # functools.cached_property of Python 3.11 has one lock for all instances, on which the threads
    # of a mirrored strategy wait for each other forever.
    @property
    def latents(self) -> Pair:
        """The latents of the normal images and of their reconstructions.

        One pass, so that equal images have equal latents, and without an update of the moving
        statistics, because the encoder sees no reconstructions at inference.
        """
        if self._latents is None:
            latents, _ = self.encoder.stateless_call(
                self.encoder.trainable_variables,
                self.encoder.non_trainable_variables,
                tf.concat(self.normal, 0),
                training=self.training,
            )
            self._latents = tf.split(latents, 2)
        return self._latents

    def judgements(self, discriminator: str) -> Pair:
        """Return the outputs of a discriminator for images and for their reconstructions.

        Both come from one pass, which serves the generator and the discriminator.
        """
        if discriminator not in self._judgements:
            images = self.normal if discriminator == NORMAL_DISCRIMINATOR else self.anomaly
            outputs = self.discriminators[discriminator](
                tf.concat(images, 0), training=self.training
            )
            self._judgements[discriminator] = tf.split(outputs, 2)
        return self._judgements[discriminator]
