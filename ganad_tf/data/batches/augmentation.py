"""Random changes of the images of a batch."""

from dataclasses import dataclass

import tensorflow as tf

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.samples import Samples
from ganad_tf.data.batches.streams import Label, Stream


@dataclass(frozen=True, eq=False)
class Augmentation:
    """Mirrors, shifts and relights images as a configuration says.

    Attributes:
        config: Which changes, and how large they are.
        samples: The random numbers that decide on each image.
    """

    config: TrainConfig
    samples: Samples

    def mirror_and_shift(self, images: tf.Tensor, shard: tf.Tensor, label: Label) -> tf.Tensor:
        """Mirror and shift each image at random, by whole pixels; the border is reflected.

        Args:
            images: `(batch, height, width, channels)` of any type.
            shard: Number of the shard, int64 scalar.
            label: Which batch of the pair the images are.

        Returns:
            The images, of the same shape and type.
        """
        config, (height, width) = self.config, images.shape[1:3]
        if not (config.flip or config.flip_vertical or config.shift):
            return images
        rows, columns = tf.range(height)[tf.newaxis], tf.range(width)[tf.newaxis]
        if config.flip:
            columns = self._flipped(columns, Stream.FLIP, shard, label)
        if config.flip_vertical:
            rows = self._flipped(rows, Stream.FLIP_VERTICAL, shard, label)
        offsets = self.samples.integers(Stream.SHIFT, shard, label, 2, config.shift)
        rows = _reflected(rows + offsets[:, 1:], height)
        columns = _reflected(columns + offsets[:, :1], width)
        shifted = tf.gather(images, rows, axis=1, batch_dims=1)
        return tf.gather(shifted, columns, axis=2, batch_dims=1)

    def _flipped(
        self, places: tf.Tensor, stream: Stream, shard: tf.Tensor, label: Label
    ) -> tf.Tensor:
        is_flipped = self.samples.uniform(stream, shard, label, 1) < 0.5
        return tf.where(is_flipped, places[:, ::-1], places)

    def relight(self, images: tf.Tensor, shard: tf.Tensor, label: Label) -> tf.Tensor:
        """Change the brightness and the contrast of each image at random.

        Args:
            images: float32 `(batch, height, width, channels)` in [0, 1].
            shard: Number of the shard, int64 scalar.
            label: Which batch of the pair the images are.

        Returns:
            The images, of the same shape and range.
        """
        config = self.config
        if not (config.brightness or config.contrast):
            return images
        samples = 2.0 * self.samples.uniform(Stream.LIGHT, shard, label, 2) - 1.0
        samples = tf.reshape(samples, (-1, 2, 1, 1, 1))
        gain = tf.exp(config.brightness * samples[:, 0])
        spread = tf.exp(config.contrast * samples[:, 1])
        means = tf.reduce_mean(images, (1, 2, 3), keepdims=True)
        return tf.clip_by_value(gain * (means + spread * (images - means)), 0.0, 1.0)


def _reflected(places: tf.Tensor, size: int) -> tf.Tensor:
    """Map places beyond either border to those inside at the same distance from it."""
    places = places % (2 * size)
    return tf.minimum(places, 2 * size - 1 - places)
