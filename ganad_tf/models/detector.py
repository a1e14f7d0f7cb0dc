"""The trainable model: a generator, two discriminators, and their training step."""

import dataclasses
from typing import Any

import keras
import tensorflow as tf

from ganad_station.sizes import ImageSize
from ganad_tf.config import ANOMALY_LOSSES, NORMAL_LOSSES, LossConfig
from ganad_tf.errors import UserError
from ganad_tf.models.averaging import move_average
from ganad_tf.models.discriminator import build_discriminator
from ganad_tf.models.generator import build_encoder, build_generator
from ganad_tf.models.loss_inputs import ANOMALY_DISCRIMINATOR, NORMAL_DISCRIMINATOR, LossInputs
from ganad_tf.models.losses import LOSS_TERMS, discriminator_loss, largest_patch_errors

DISCRIMINATORS = {
    name: term.discriminator for name, term in LOSS_TERMS.items() if term.discriminator
}
LOSS_NAMES = (*LOSS_TERMS, *DISCRIMINATORS.values())
CHECKPOINT_VERSION = 1


def active_losses(config: LossConfig) -> tuple[str, ...]:
    """Return the names of the losses that are computed: all but those of weight 0."""
    weighted = [name for name in LOSS_TERMS if getattr(config, name)]
    return (*weighted, *(DISCRIMINATORS[name] for name in weighted if name in DISCRIMINATORS))


@keras.saving.register_keras_serializable(package="ganad_tf")
class AnomalyDetector(keras.Model):
    """A GAN that reconstructs normal images well and anomalies badly.

    `fit` takes batches `(normal, anomaly)` or `(normal, anomaly, defects)`:

    - `normal`, `anomaly`: float32 images `(batch, rows, columns, channels)` in [0, 1].
    - `defects`: float32 `(batch, rows, columns)`, 1 where an anomaly is defective and 0 where it is
      normal. Anomalies are then trained to be reconstructed badly only where they are defective,
      and well elsewhere.

    Normal images, and anomalies without `defects`, can also be `(batch, candidates, rows,
    columns, channels)`. The candidate of each image that is reconstructed worst is then trained on.

    `predict` takes images and returns the reconstructions of `averaged_generator`, the exponential
    moving average of the generator over the steps, statistics of batch normalization included.
    This is the model to evaluate and export.

    Built and compiled in the scope of a `tf.distribute` strategy, the detector treats the batches
    of all replicas as one batch for normalization, gradients and reported losses.

    One optimizer updates the three networks, each with its own objective: the weighted losses for
    the generator, and the LSGAN loss for each discriminator.

    Args:
        size: Height and width of the images in pixels, or one number for squares; multiples of 16.
        channels: Channels of the images.
        width: Channels of the first layer of each network.
        loss: Weights and parameters of the losses, a `LossConfig` or its dictionary.
        averaging: Decay of the moving average of the generator per step, in [0, 1).
        seed: Seed of the random choice between the two groups of losses.

    Raises:
        UserError: If a side is not a multiple of 16, or `channels` or `width` not positive.
    """

    def __init__(
        self,
        size: ImageSize,
        channels: int,
        width: int = 8,
        loss: LossConfig | dict[str, Any] | None = None,
        averaging: float = 0.999,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size, self.channels, self.width = size, channels, width
        self.loss_config = LossConfig(**loss) if isinstance(loss, dict) else loss or LossConfig()
        self.averaging, self.seed = averaging, seed
        self.generator = build_generator(size, channels, width)
        self.averaged_generator = build_generator(size, channels, width)
        self.averaged_generator.set_weights(self.generator.get_weights())
        self.averaged_generator.trainable = False
        self.normal_discriminator = build_discriminator(size, channels, width, NORMAL_DISCRIMINATOR)
        self.anomaly_discriminator = (
            build_discriminator(size, channels, width, ANOMALY_DISCRIMINATOR)
            if self.loss_config.discriminators == 2
            else self.normal_discriminator
        )
        active = active_losses(self.loss_config)
        trained = [getattr(self, name) for name in DISCRIMINATORS.values() if name in active]
        for discriminator in (self.normal_discriminator, self.anomaly_discriminator):
            discriminator.trainable = discriminator in trained
        self._encoder = build_encoder(self.generator)
        self._means = {name: keras.metrics.Mean(name=name) for name in active}
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Return the checkpoint version and the arguments of the constructor."""
        return {
            **super().get_config(),
            "checkpoint_version": CHECKPOINT_VERSION,
            "size": self.size if isinstance(self.size, int) else list(self.size),
            "channels": self.channels,
            "width": self.width,
            "loss": dataclasses.asdict(self.loss_config),
            "averaging": self.averaging,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AnomalyDetector":
        """Build a detector from the output of `get_config`.

        Raises:
            UserError: If the configuration is of another checkpoint version.
        """
        version = config.pop("checkpoint_version", None)
        if version != CHECKPOINT_VERSION:
            raise UserError(
                f"checkpoint version {version}, this ganad-tf reads {CHECKPOINT_VERSION}: "
                "use the ganad-tf that wrote it, or train again"
            )
        return cls(**config)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The mean of each active loss over the epoch."""
        return list(self._means.values())

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Reconstruct images with the averaged generator."""
        return self.averaged_generator(images, training=False)

    def train_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """Update the three networks once on a batch of normal images and one of anomalies."""
        batches = self._choose_candidates(data)
        with tf.GradientTape(persistent=True) as tape:
            values = self.compute_losses(*batches)
            objectives = self._objectives(values)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # The optimizer sums the gradients of all replicas.
        scale = tf.constant(1.0 / replicas) if replicas > 1 else None
        gradients = []
        variables = []
        for objective, network in objectives:
            gradients += tape.gradient(objective, network.trainable_variables, scale)
            variables += network.trainable_variables
        self.optimizer.apply(gradients, variables)
        move_average(
            self.averaged_generator, self.generator, self.averaging, self.optimizer.iterations
        )
        self._record(values)
        return self.get_metrics_result()

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """Compute the active losses of a pair of batches without updating anything."""
        self._record(self.compute_losses(*self._choose_candidates(data), training=False))
        return self.get_metrics_result()

    def _choose_candidates(self, data: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
        """Choose the candidate with the largest patch errors for each image with candidates."""
        normal, anomaly, *defects = data
        config = self.loss_config
        normal = self._worst(normal, config.patch_count)
        return normal, self._worst(anomaly, config.abc_patches or 1), *defects

    def _worst(self, images: tf.Tensor, patches: int) -> tf.Tensor:
        if len(images.shape) == 4:
            return images
        candidates = tf.reshape(images, (-1, *images.shape[2:]))
        reconstructions = self.generator(candidates, training=False)
        patch_size = self.loss_config.patch_size
        errors = largest_patch_errors(candidates, reconstructions, patch_size, patches)
        worst = tf.argmax(tf.reshape(errors, (-1, images.shape[1])), axis=1)
        return tf.gather(images, worst, axis=1, batch_dims=1)

    def reconstruct_pair(
        self, normal: tf.Tensor, anomaly: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Reconstruct both batches in one pass of the generator.

        In separate passes the statistics of batch normalization would reveal whether a batch is
        normal or anomalous, which they cannot at inference.

        Returns:
            The reconstructions of both batches.
        """
        images = tf.concat([normal, anomaly], 0)
        reconstructions = self.generator(images, training=training)
        return tf.split(reconstructions, [tf.shape(normal)[0], -1])

    def compute_losses(
        self,
        normal: tf.Tensor,
        anomaly: tf.Tensor,
        defects: tf.Tensor | None = None,
        *,
        training: bool = True,
    ) -> dict[str, tf.Tensor]:
        """Return the active losses of a pair of batches by name, unweighted; see `losses_of`."""
        reconstructions = self.reconstruct_pair(normal, anomaly, training)
        return self.losses_of(normal, anomaly, *reconstructions, training, defects)

    def losses_of(
        self,
        normal: tf.Tensor,
        anomaly: tf.Tensor,
        normal_reconstructions: tf.Tensor,
        anomaly_reconstructions: tf.Tensor,
        training: bool,
        defects: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Return the active losses of given reconstructions by name, unweighted.

        Args:
            normal: float32 `(batch, rows, columns, channels)` in [0, 1].
            anomaly: Anomalies in the same form.
            normal_reconstructions: float32 reconstructions of the normal images.
            anomaly_reconstructions: float32 reconstructions of the anomalies.
            training: Whether batch normalization uses the statistics of the batch.
            defects: float32 `(batch, rows, columns)`, 1 where the anomalies are defective and 0
                where they are normal; None if they are anomalous everywhere.
        """
        inputs = LossInputs(
            self.loss_config,
            (normal, normal_reconstructions),
            (anomaly, anomaly_reconstructions),
            defects,
            self._encoder,
            {name: getattr(self, name) for name in DISCRIMINATORS.values()},
            training,
        )
        values = {}
        for name, term in LOSS_TERMS.items():
            if getattr(self.loss_config, name):
                values[name] = term.function(inputs)
                if term.discriminator:
                    judgements = inputs.judgements(term.discriminator)
                    values[term.discriminator] = discriminator_loss(*judgements)
        return values

    def weighted_groups(self, values: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the weighted sums of the normal and of the anomaly group of losses."""
        return self._weighted(values, NORMAL_LOSSES), self._weighted(values, ANOMALY_LOSSES)

    def _objectives(self, values: dict[str, tf.Tensor]) -> list[tuple[tf.Tensor, keras.Model]]:
        """Return the objective of each network that is trained, with the network."""
        objectives = [(self.generator_loss(values), self.generator)]
        active = [name for name in DISCRIMINATORS.values() if name in values]
        if active and self.loss_config.discriminators == 1:
            both = tf.add_n([values[name] for name in active])
            return [*objectives, (both, self.normal_discriminator)]
        return objectives + [(values[name], getattr(self, name)) for name in active]

    def _weighted(self, values: dict[str, tf.Tensor], names: tuple[str, ...]) -> tf.Tensor:
        terms = [getattr(self.loss_config, name) * values[name] for name in names if name in values]
        return tf.add_n(terms) if terms else tf.constant(0.0)

    def generator_loss(self, values: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the objective of the generator: both groups of losses, or one chosen at random."""
        normal, anomaly = self.weighted_groups(values)
        if self.loss_config.regime == "joint":
            return normal + anomaly
        step = tf.cast(self.optimizer.iterations, tf.int32)
        coin = tf.random.stateless_uniform((), seed=tf.stack([self.seed, step]))
        return tf.where(coin < 0.5, normal, anomaly)

    def _record(self, values: dict[str, tf.Tensor]) -> None:
        for name, value in values.items():
            self._means[name].update_state(value)
