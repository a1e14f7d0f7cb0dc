"""The trainable model: a generator, two discriminators, and the step that trains them."""

import dataclasses
from typing import Any

import keras
import tensorflow as tf

from ganad_tf.config import ANOMALY_LOSSES, GENERATOR_LOSSES, NORMAL_LOSSES, LossConfig
from ganad_tf.errors import UserError
from ganad_tf.models import losses
from ganad_tf.models.averaging import move_average
from ganad_tf.models.discriminator import build_discriminator
from ganad_tf.models.generator import build_encoder, build_generator

DISCRIMINATORS = {
    "adversarial": "normal_discriminator",
    "anomaly_adversarial": "anomaly_discriminator",
}
LOSS_NAMES = (*GENERATOR_LOSSES, *DISCRIMINATORS.values())
CHECKPOINT_VERSION = 1


def active_losses(config: LossConfig) -> tuple[str, ...]:
    """Return the names of the losses that are computed: those of weight 0 are not."""
    weighted = [name for name in GENERATOR_LOSSES if getattr(config, name)]
    return (*weighted, *[DISCRIMINATORS[name] for name in weighted if name in DISCRIMINATORS])


@keras.saving.register_keras_serializable(package="ganad_tf")
class AnomalyDetector(keras.Model):
    """A GAN that reconstructs normal images well and anomalies badly.

    `fit` takes pairs `(normal, anomaly)` of float32 image batches `(batch, size, size, channels)`
    in [0, 1], or triples whose third is float32 `(batch, size, size)`: 1 where an anomaly is
    defective and 0 where it is normal. Then an anomaly is to be reconstructed badly only where it
    is defective, and well elsewhere. Normal images, and anomalies without a third, may also be
    `(batch, candidates, size, size, channels)`: then the candidate of each that is reconstructed
    worst is taken. `predict` takes images and returns the reconstructions of `averaged_generator`,
    the exponential moving average of the generator over the steps, batch-norm statistics included:
    that is the model to evaluate and export.

    Built and compiled in the scope of a strategy of `tf.distribute`, it takes the batches of all
    replicas for one: normalization, gradients and reported losses are those of the whole.

    One optimizer serves the three networks, each with its own gradient: the generator's
    weighted losses, and the LSGAN loss of each discriminator.

    Args:
        size: Height and width of the images in pixels; a multiple of 16.
        channels: Channels of the images.
        width: Maps of the first layer of each network.
        loss: Weights and parameters of the losses, a `LossConfig` or its dictionary.
        averaging: Decay of the moving average of the generator per step, in [0, 1).
        seed: Seed of the random choice between the two groups of losses.

    Raises:
        UserError: If the shape cannot be built.
    """

    def __init__(
        self,
        size: int,
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
        self.normal_discriminator = build_discriminator(
            size, channels, width, "normal_discriminator"
        )
        self.anomaly_discriminator = (
            build_discriminator(size, channels, width, "anomaly_discriminator")
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
        """Return the checkpoint version and the constructor's arguments."""
        return {
            **super().get_config(),
            "checkpoint_version": CHECKPOINT_VERSION,
            "size": self.size,
            "channels": self.channels,
            "width": self.width,
            "loss": dataclasses.asdict(self.loss_config),
            "averaging": self.averaging,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AnomalyDetector":
        """Build a detector from what `get_config` returned.

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
        batches = self._with_one_candidate(data)
        with tf.GradientTape(persistent=True) as tape:
            values = self.compute_losses(*batches)
            objectives = self._objectives(values)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # The optimizer adds up the gradients of all replicas.
        share = tf.constant(1.0 / replicas) if replicas > 1 else None
        gradients = []
        variables = []
        for objective, network in objectives:
            gradients += tape.gradient(objective, network.trainable_variables, share)
            variables += network.trainable_variables
        self.optimizer.apply(gradients, variables)
        move_average(
            self.averaged_generator, self.generator, self.averaging, self.optimizer.iterations
        )
        self._record(values)
        return self.get_metrics_result()

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """Measure the active losses on a pair of batches, without updating anything."""
        self._record(self.compute_losses(*self._with_one_candidate(data), training=False))
        return self.get_metrics_result()

    def _with_one_candidate(self, data: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
        """Take of each image the candidate whose worst patches are the worst, if it has some."""
        normal, anomaly, *defects = data
        config = self.loss_config
        normal = self._worst(normal, config.patch_count)
        return normal, self._worst(anomaly, config.abc_patches or 1), *defects

    def _worst(self, images: tf.Tensor, patches: int) -> tf.Tensor:
        if len(images.shape) == 4:
            return images
        candidates = tf.reshape(images, (-1, *images.shape[2:]))
        copies = self.generator(candidates, training=False)
        errors = losses.largest_patch_errors(
            candidates, copies, self.loss_config.patch_size, patches
        )
        worst = tf.argmax(tf.reshape(errors, (-1, images.shape[1])), axis=1)
        return tf.gather(images, worst, axis=1, batch_dims=1)

    def reconstruct_pair(
        self, normal: tf.Tensor, anomaly: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Reconstruct both batches in one pass of the generator.

        One pass, because batch normalization would tell a batch of normal images from a
        batch of anomalies by its statistics, which are not there to tell at inference.

        Returns:
            The reconstructions of both batches.
        """
        copies = self.generator(tf.concat([normal, anomaly], 0), training=training)
        return tf.split(copies, [tf.shape(normal)[0], -1])

    def compute_losses(
        self,
        normal: tf.Tensor,
        anomaly: tf.Tensor,
        defects: tf.Tensor | None = None,
        *,
        training: bool = True,
    ) -> dict[str, tf.Tensor]:
        """Return the active losses of a pair of batches by name, unweighted; see `losses_of`."""
        copies = self.reconstruct_pair(normal, anomaly, training)
        return self.losses_of(normal, anomaly, *copies, training, defects)

    def losses_of(
        self,
        normal: tf.Tensor,
        anomaly: tf.Tensor,
        normal_copy: tf.Tensor,
        anomaly_copy: tf.Tensor,
        training: bool,
        defects: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Return the active losses of given reconstructions by name, unweighted.

        Args:
            normal: float32 `(batch, size, size, channels)` in [0, 1].
            anomaly: float32 of the same shape.
            normal_copy: Reconstructions of the normal images.
            anomaly_copy: Reconstructions of the anomalies.
            training: Whether batch normalization uses the statistics of the batch.
            defects: float32 `(batch, size, size)`, 1 where the anomalies are defective and 0 where
                not; None if they are anomalies all over.
        """
        config, values = self.loss_config, {}
        if config.reconstruction:
            values["reconstruction"] = losses.reconstruction_loss(normal, normal_copy)
            if defects is not None:
                values["reconstruction"] += tf.reduce_mean(
                    losses.region_errors(anomaly, anomaly_copy, 1.0 - defects)
                )
        if config.patch:
            values["patch"] = losses.patch_loss(
                normal, normal_copy, config.patch_size, config.patch_count
            )
        if config.latent:
            values["latent"] = losses.latent_loss(*self._latents(normal, normal_copy, training))
        if config.adversarial:
            real, fake = _judge(self.normal_discriminator, normal, normal_copy, training)
            values["adversarial"] = losses.adversarial_loss(fake)
            values["normal_discriminator"] = losses.discriminator_loss(real, fake)
        if config.anomaly_adversarial:
            real, fake = _judge(self.anomaly_discriminator, anomaly, anomaly_copy, training)
            values["anomaly_adversarial"] = losses.anomaly_adversarial_loss(fake)
            values["anomaly_discriminator"] = losses.discriminator_loss(real, fake)
        if config.abc:
            errors = self._anomaly_errors(anomaly, anomaly_copy, defects)
            values["abc"] = losses.abc_loss(config.abc_scale * errors)
        return values

    def _anomaly_errors(
        self, images: tf.Tensor, copies: tf.Tensor, defects: tf.Tensor | None
    ) -> tf.Tensor:
        """Return the error of each anomaly that the ABC loss takes, shape `(batch,)`."""
        config = self.loss_config
        if config.abc_patches:
            return losses.largest_patch_errors(
                images, copies, config.patch_size, config.abc_patches, defects
            )
        if defects is None:
            return losses.image_errors(images, copies)
        return losses.region_errors(images, copies, defects)

    def _latents(
        self, images: tf.Tensor, copies: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the latents of images and of their reconstructions.

        One pass, so that equal images have equal latents, and one that leaves the moving
        statistics alone: the encoder sees no reconstructions at inference.
        """
        latents, _ = self._encoder.stateless_call(
            self._encoder.trainable_variables,
            self._encoder.non_trainable_variables,
            tf.concat([images, copies], 0),
            training=training,
        )
        return tf.split(latents, 2)

    def weighted_groups(self, values: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the weighted sums of the normal and of the anomaly group of losses."""
        return self._weighted(values, NORMAL_LOSSES), self._weighted(values, ANOMALY_LOSSES)

    def _objectives(self, values: dict[str, tf.Tensor]) -> list[tuple[tf.Tensor, keras.Model]]:
        """Return what each network that is trained minimizes."""
        objectives = [(self.generator_loss(values), self.generator)]
        judged = [name for name in DISCRIMINATORS.values() if name in values]
        if judged and self.loss_config.discriminators == 1:
            both = tf.add_n([values[name] for name in judged])
            return [*objectives, (both, self.normal_discriminator)]
        return objectives + [(values[name], getattr(self, name)) for name in judged]

    def _weighted(self, values: dict[str, tf.Tensor], names: tuple[str, ...]) -> tf.Tensor:
        terms = [getattr(self.loss_config, name) * values[name] for name in names if name in values]
        return tf.add_n(terms) if terms else tf.constant(0.0)

    def generator_loss(self, values: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return what the generator minimizes in this step: both groups, or one at random."""
        normal, anomaly = self.weighted_groups(values)
        if self.loss_config.regime == "joint":
            return normal + anomaly
        step = tf.cast(self.optimizer.iterations, tf.int32)
        coin = tf.random.stateless_uniform((), seed=tf.stack([self.seed, step]))
        return tf.where(coin < 0.5, normal, anomaly)

    def _record(self, values: dict[str, tf.Tensor]) -> None:
        for name, value in values.items():
            self._means[name].update_state(value)


def _judge(
    discriminator: keras.Model, real: tf.Tensor, fake: tf.Tensor, training: bool
) -> list[tf.Tensor]:
    """Return the maps of real and of reconstructed images, from one pass over both."""
    return tf.split(discriminator(tf.concat([real, fake], 0), training=training), 2)
