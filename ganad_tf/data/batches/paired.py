"""Pairs of a normal batch and an anomaly batch, shuffled and augmented.

Every random number is a function of the seed and the number of the pass or step, so that a resumed
run sees the very batches that an undisturbed run sees; see `ganad_tf.data.batches.streams`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.augmentation import Augmentation
from ganad_tf.data.batches.samples import Samples
from ganad_tf.data.batches.streams import Label
from ganad_tf.errors import UserError

BatchMaker = Callable[[tf.Tensor], tuple[tf.Tensor, ...]]
"""From the number of a shard, int64 scalar, to the tensors of its batches."""


@dataclass(frozen=True, eq=False)
class PairedBatches:
    """Normal images and sampled anomalies, served as batches of equal size.

    An epoch is `config.passes` passes over the normal images; anomalies are repeated where they
    are fewer. Where there are none, their batch is empty.

    Where several replicas train together, each batch is divided into one shard for each replica;
    the whole batch is what one replica would get with a batch size as many times as large.

    Attributes:
        normals: uint8 `(count, height, width, channels)`, 0 to 255.
        anomalies: uint8 `(count, height, width, channels)`, 0 to 255.
        config: Batch size of a replica, passes per epoch, and augmentation.
        seed: Seed of order and augmentation.
        replicas: Number of replicas that train together.
        regions: uint8 `(anomalies, height, width)`, 1 where each anomaly may be defective, and 0
            where it is normal, such as in what is filled around a picture; batches are then
            triples. None if it may be defective everywhere.

    Raises:
        UserError: If there are fewer normal images than replicas.
    """

    normals: NDArray[np.uint8]
    anomalies: NDArray[np.uint8]
    config: TrainConfig
    seed: int
    replicas: int = 1
    regions: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        """Raise `UserError` where a replica would have no images."""
        if len(self.normals) < self.replicas:
            raise UserError(
                f"{len(self.normals)} normal images are too few for {self.replicas} replicas: "
                "train on fewer devices"
            )

    @property
    def batch_size(self) -> int:
        """Images of each label in a shard."""
        return min(self.config.batch_size, len(self.normals) // self.replicas)

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return self.config.passes * len(self.normals) // (self.replicas * self.batch_size)

    def dataset(
        self, first_epoch: int, epochs: int, served: range | None = None
    ) -> tf.data.Dataset:
        """Return the batches of epochs `first_epoch` to `epochs - 1`, one shard after another.

        Args:
            first_epoch: The first epoch, from 0.
            epochs: The epoch to stop before.
            served: The replicas whose shards are served at each step; None for all.

        Returns:
            Pairs of float32 `(batch_size, height, width, channels)` in [0, 1]; see
            `ganad_tf.models.detector.AnomalyDetector` for what subclasses serve.
        """
        shards_per_epoch = self.steps * self.replicas
        shards = tf.data.Dataset.range(first_epoch * shards_per_epoch, epochs * shards_per_epoch)
        if served is not None:
            shards = shards.filter(lambda shard: _is_in(shard % self.replicas, served))
        # No tensor decides what is done, so that there is nothing for AutoGraph to convert.
        make = tf.autograph.experimental.do_not_convert(self._batch_maker())
        batches = shards.map(make, tf.data.AUTOTUNE, deterministic=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    @cached_property
    def _samples(self) -> Samples:
        return Samples(self.seed, self.batch_size, self.replicas)

    @cached_property
    def _augmentation(self) -> Augmentation:
        return Augmentation(self.config, self._samples)

    def _batch_maker(self) -> BatchMaker:
        normals, anomalies = tf.constant(self.normals), tf.constant(self.anomalies)
        regions = None if self.regions is None else tf.constant(self.regions[..., np.newaxis])

        def make(shard: tf.Tensor) -> tuple[tf.Tensor, ...]:
            pair = (
                self._whole_images(normals, shard, Label.NORMAL),
                self._whole_images(anomalies, shard, Label.ANOMALY),
            )
            if regions is None:
                return pair
            chosen = self._moved(regions, shard, Label.ANOMALY)
            return *pair, tf.cast(chosen[..., 0], tf.float32)

        return make

    def _moved(self, images: tf.Tensor, shard: tf.Tensor, label: Label) -> tf.Tensor:
        """Return the images of a shard, mirrored and shifted, of the type that they have."""
        samples = self._samples
        chosen = samples.shuffled(samples.positions(shard), images.shape[0], label)
        return self._augmentation.mirror_and_shift(tf.gather(images, chosen), shard, label)

    def _whole_images(self, images: tf.Tensor, shard: tf.Tensor, label: Label) -> tf.Tensor:
        """Return the images of a shard, augmented, float32 in [0, 1]."""
        if not images.shape[0]:
            return tf.zeros(images.shape)
        batch = self._moved(images, shard, label)
        return self._augmentation.relight(tf.cast(batch, tf.float32) / 255.0, shard, label)


def _is_in(number: tf.Tensor, numbers: range) -> tf.Tensor:
    return (number >= numbers.start) & (number < numbers.stop)
