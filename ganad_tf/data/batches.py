"""Pairs of a normal and an anomaly batch, shuffled and augmented, the same for the same seed.

Every random draw is a function of the seed and the number of the epoch or step, so that a
resumed run sees the very batches that an undisturbed one sees.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganad_tf.config import TrainConfig

NORMAL_STREAM, ANOMALY_STREAM = 0, 1
SHUFFLE_ROUNDS = 4


@dataclass(frozen=True, eq=False)
class PairedBatches:
    """Normal images and sampled anomalies, served as batches of equal size.

    An epoch is `config.passes` passes over the normal images; anomalies are repeated where they
    are fewer. Where there are none, their batch is empty.

    Attributes:
        normals: uint8 `(count, size, size, channels)`.
        anomalies: uint8 of the same image shape.
        config: Batch size and augmentation.
        seed: Seed of order and augmentation.
    """

    normals: NDArray[np.uint8]
    anomalies: NDArray[np.uint8]
    config: TrainConfig
    seed: int

    @property
    def batch_size(self) -> int:
        """Images of each side in a batch."""
        return min(self.config.batch_size, len(self.normals))

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return self.config.passes * len(self.normals) // self.batch_size

    def dataset(self, first_epoch: int, epochs: int) -> tf.data.Dataset:
        """Return the batches of epochs `first_epoch` to `epochs - 1`.

        Elements are pairs of float32 `(batch, size, size, channels)` in [0, 1].
        """
        sides = tuple(
            (tf.constant(images), stream)
            for images, stream in (
                (self.normals, NORMAL_STREAM),
                (self.anomalies, ANOMALY_STREAM),
            )
        )

        def batch_pair(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return tuple(self._batch(images, stream, step) for images, stream in sides)

        steps = tf.data.Dataset.range(first_epoch * self.steps, epochs * self.steps)
        return steps.map(batch_pair, tf.data.AUTOTUNE, deterministic=True).prefetch(
            tf.data.AUTOTUNE
        )

    def _batch(self, images: tf.Tensor, stream: int, step: tf.Tensor) -> tf.Tensor:
        if not images.shape[0]:
            return tf.zeros(images.shape)
        position = tf.range(self.batch_size, dtype=tf.int64) + step * self.batch_size
        count = tf.shape(images, tf.int64)[0]
        batch = tf.gather(images, self._shuffled(position, count, stream))
        if self.config.flip or self.config.shift:
            batch = self._augmented(
                batch, tf.stack([tf.cast(self.seed, tf.int64), 2 * step + stream])
            )
        return tf.cast(batch, tf.float32) / 255.0

    def _shuffled(self, position: tf.Tensor, count: tf.Tensor, stream: int) -> tf.Tensor:
        """Map places in the endless stream of images to indices, each pass in its own order."""
        passes, place = position // count, position % count
        constants = tf.ones_like(passes)
        seeds = tf.stack([constants * self.seed, constants * stream, passes], axis=1)
        # tf.random.experimental.index_shuffle pads a list of seeds along the wrong axis.
        return tf.raw_ops.RandomIndexShuffle(
            index=place, seed=seeds, max_index=count - 1, rounds=SHUFFLE_ROUNDS
        )

    def _augmented(self, batch: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Mirror and shift each image at random; the border is reflected."""
        count, height, width = batch.shape[0], batch.shape[1], batch.shape[2]
        shift = self.config.shift
        offsets = tf.random.stateless_uniform((count, 2), seed, -shift, shift + 1, dtype=tf.int32)
        x_offset, y_offset = tf.unstack(tf.cast(offsets, tf.float32), axis=1)
        zeros, ones = tf.zeros(count), tf.ones(count)
        mirrored = tf.random.stateless_uniform((count,), seed + 1) < (
            0.5 if self.config.flip else 0.0
        )
        direction = tf.where(mirrored, -1.0, 1.0)
        x_start = tf.where(mirrored, width - 1.0, 0.0) + x_offset
        transforms = tf.stack(
            [direction, zeros, x_start, zeros, ones, y_offset, zeros, zeros], axis=1
        )
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=batch,
            transforms=transforms,
            output_shape=(height, width),
            fill_value=0.0,
            interpolation="NEAREST",
            fill_mode="REFLECT",
        )
