"""Pairs of a normal and an anomaly batch, shuffled and augmented, the same for the same seed.

Every random draw is a function of the seed and the number of the epoch or step, so that a
resumed run sees the very batches that an undisturbed one sees.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganad_tf.config.schema import TrainConfig
from ganad_tf.errors import UserError

NORMAL_STREAM, ANOMALY_STREAM = 0, 1
SHUFFLE_ROUNDS = 4
LIGHT_SEED = 1 << 40
"""Moves the draws of light away from those of places, which seeds of small numbers give."""
MIRROR_SEED = 2 << 40
"""The same for mirroring top to bottom."""


@dataclass(frozen=True, eq=False)
class PairedBatches:
    """Normal images and sampled anomalies, served as batches of equal size.

    An epoch is `config.passes` passes over the normal images; anomalies are repeated where they
    are fewer. Where there are none, their batch is empty.

    Where several replicas train together, each batch is divided among them; all of it is what
    one replica would get with a batch size of as many times as much.

    Attributes:
        normals: uint8 `(count, size, size, channels)`.
        anomalies: uint8 of the same image shape.
        config: Batch size of a replica, and augmentation.
        seed: Seed of order and augmentation.
        replicas: Replicas that train together.

    Raises:
        UserError: If there are fewer normal images than replicas.
    """

    normals: NDArray[np.uint8]
    anomalies: NDArray[np.uint8]
    config: TrainConfig
    seed: int
    replicas: int = 1

    def __post_init__(self) -> None:
        """Raise `UserError` where a replica would have no images."""
        if len(self.normals) < self.replicas:
            raise UserError(
                f"{len(self.normals)} normal images are too few for {self.replicas} replicas: "
                "train on fewer devices"
            )

    @property
    def batch_size(self) -> int:
        """Images of each side that a replica gets of a batch."""
        return min(self.config.batch_size, len(self.normals) // self.replicas)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return self.config.passes * len(self.normals) // (self.replicas * self.batch_size)

    def dataset(
        self, first_epoch: int, epochs: int, served: range | None = None
    ) -> tf.data.Dataset:
        """Return the batches of epochs `first_epoch` to `epochs - 1`, divided among replicas.

        Args:
            first_epoch: The first epoch, from 0.
            epochs: The epoch to stop before.
            served: The replicas to serve, one after another in each step; None for all.

        Returns:
            Pairs of float32 `(batch_size, size, size, channels)` in [0, 1]; see
            `ganad_tf.models.detector.AnomalyDetector` for what subclasses serve.
        """
        parts_an_epoch = self.steps * self.replicas
        parts = tf.data.Dataset.range(first_epoch * parts_an_epoch, epochs * parts_an_epoch)
        if served is not None:
            parts = parts.filter(lambda part: _is_in(part % self.replicas, served))
        return parts.map(self._batch_maker(), tf.data.AUTOTUNE, deterministic=True).prefetch(
            tf.data.AUTOTUNE
        )

    def _batch_maker(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
        """Return what makes the batches of a part, counted over all steps and replicas."""
        sides = tuple(
            (tf.constant(images), stream)
            for images, stream in (
                (self.normals, NORMAL_STREAM),
                (self.anomalies, ANOMALY_STREAM),
            )
        )
        return lambda part: tuple(self._batch(images, stream, part) for images, stream in sides)

    def _batch(self, images: tf.Tensor, stream: int, part: tf.Tensor) -> tf.Tensor:
        """Return a part of the endless stream of images, counted over all steps and replicas."""
        if not images.shape[0]:
            return tf.zeros(images.shape)
        chosen = self._shuffled(self._positions(part), images.shape[0], stream)
        batch = tf.gather(images, chosen)
        if self.config.flip or self.config.flip_vertical or self.config.shift:
            batch = self._augmented(batch, part, stream)
        return self._lit(tf.cast(batch, tf.float32) / 255.0, part, stream)

    def _positions(self, part: tf.Tensor) -> tf.Tensor:
        """Return the places of a part in the endless stream of images."""
        return tf.range(self.batch_size, dtype=tf.int64) + part * self.batch_size

    def _shuffled(self, position: tf.Tensor, images: int, stream: int) -> tf.Tensor:
        """Map places in the endless stream of images to indices, each pass in its own order."""
        count = tf.constant(images, tf.int64)
        passes, place = position // count, position % count
        constants = tf.ones_like(passes)
        seeds = tf.stack([constants * self.seed, constants * stream, passes], axis=1)
        # tf.random.experimental.index_shuffle pads a list of seeds along the wrong axis.
        return tf.raw_ops.RandomIndexShuffle(
            index=place, seed=seeds, max_index=count - 1, rounds=SHUFFLE_ROUNDS
        )

    def _draws(self, part: tf.Tensor, stream: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return the shifts, int32 `(batch, 2)`, and two numbers in [0, 1) for each image.

        They are drawn for the batch of all replicas, so that each gets what it would get there.
        """
        seed, count, shift = self._step_seed(part, stream), self._all_images, self.config.shift
        offsets = tf.random.stateless_uniform((count, 2), seed, -shift, shift + 1, dtype=tf.int32)
        chances = tf.random.stateless_uniform((count,), seed + 1)
        others = tf.random.stateless_uniform((count,), seed + MIRROR_SEED)
        return self._own(offsets, part), self._own(chances, part), self._own(others, part)

    def _step_seed(self, part: tf.Tensor, stream: int) -> tf.Tensor:
        step = part if self.replicas == 1 else part // self.replicas
        return tf.stack([tf.cast(self.seed, tf.int64), 2 * step + stream])

    @property
    def _all_images(self) -> int:
        """Images of each side that all replicas together get of a batch."""
        return self.replicas * self.batch_size

    def _own(self, drawn: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
        """Return the rows of a replica among those that were drawn for all of them."""
        if self.replicas == 1:
            return drawn
        first = part % self.replicas * self.batch_size
        own = drawn[first : first + self.batch_size]
        return tf.ensure_shape(own, (self.batch_size, *drawn.shape[1:]))

    def _lit(self, batch: tf.Tensor, part: tf.Tensor, stream: int) -> tf.Tensor:
        """Change brightness and contrast of each image at random."""
        config = self.config
        if not (config.brightness or config.contrast):
            return batch
        seed = self._step_seed(part, stream) + LIGHT_SEED
        drawn = self._own(tf.random.stateless_uniform((self._all_images, 2), seed, -1.0, 1.0), part)
        drawn = tf.reshape(drawn, (-1, 2, 1, 1, 1))
        gain, spread = (
            tf.exp(config.brightness * drawn[:, 0]),
            tf.exp(config.contrast * drawn[:, 1]),
        )
        means = tf.reduce_mean(batch, (1, 2, 3), keepdims=True)
        return tf.clip_by_value(gain * (means + spread * (batch - means)), 0.0, 1.0)

    def _augmented(self, batch: tf.Tensor, part: tf.Tensor, stream: int) -> tf.Tensor:
        """Mirror and shift each image at random; the border is reflected."""
        _, height, width, _ = batch.shape
        offsets, chances, others = self._draws(part, stream)
        x_offset, y_offset = tf.split(offsets, 2, axis=1)
        columns = tf.range(width)[tf.newaxis]
        if self.config.flip:
            columns = tf.where(chances[:, tf.newaxis] < 0.5, columns[:, ::-1], columns)
        rows = tf.range(height)[tf.newaxis]
        if self.config.flip_vertical:
            rows = tf.where(others[:, tf.newaxis] < 0.5, rows[:, ::-1], rows)
        rows = _reflected(rows + y_offset, height)
        columns = _reflected(columns + x_offset, width)
        shifted = tf.gather(batch, rows, axis=1, batch_dims=1)
        return tf.gather(shifted, columns, axis=2, batch_dims=1)


def _reflected(places: tf.Tensor, size: int) -> tf.Tensor:
    """Map places beyond either border to those inside, as far from it."""
    places = places % (2 * size)
    return tf.minimum(places, 2 * size - 1 - places)


def _is_in(number: tf.Tensor, numbers: range) -> tf.Tensor:
    return (number >= numbers.start) & (number < numbers.stop)
