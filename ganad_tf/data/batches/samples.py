"""Draws the random numbers of batches that are divided among replicas."""

from dataclasses import dataclass

import tensorflow as tf

from ganad_tf.data.batches.streams import Label, Stream

SHUFFLE_ROUNDS = 4


@dataclass(frozen=True)
class Samples:
    """The random numbers of a shard: the part of a batch that one replica gets.

    Samples are drawn for the batch of all replicas, of which a shard takes its own rows. So the
    replicas together get what one replica would get with a batch as many times as large.

    Shards are numbered over all steps and replicas: the shards of step 0, then those of step 1.

    Attributes:
        seed: The seed of the run.
        batch_size: Images of each label in a shard.
        replicas: Shards of a batch.
    """

    seed: int
    batch_size: int
    replicas: int = 1

    def uniform(
        self, stream: Stream, shard: tf.Tensor, label: Label, columns: int, candidate: int = 0
    ) -> tf.Tensor:
        """Draw uniform samples in [0, 1).

        Args:
            stream: What they are for.
            shard: Number of the shard, int64 scalar.
            label: Which batch of the pair they are for.
            columns: Samples for each image.
            candidate: Number of the candidate tile, from 0.

        Returns:
            float32 `(batch_size, columns)`.
        """
        seed = self._seed(stream, shard, label, candidate)
        drawn = tf.random.stateless_uniform((self._all_images, columns), seed)
        return self._own(drawn, shard)

    def integers(
        self, stream: Stream, shard: tf.Tensor, label: Label, columns: int, largest: int
    ) -> tf.Tensor:
        """Draw integers from `-largest` to `largest`, int32 `(batch_size, columns)`."""
        drawn = tf.random.stateless_uniform(
            (self._all_images, columns),
            self._seed(stream, shard, label),
            -largest,
            largest + 1,
            tf.int32,
        )
        return self._own(drawn, shard)

    def positions(self, shard: tf.Tensor) -> tf.Tensor:
        """Return the positions of a shard in the endless sequence of images, `(batch_size,)`."""
        return tf.range(self.batch_size, dtype=tf.int64) + shard * self.batch_size

    def shuffled(self, positions: tf.Tensor, images: int, label: Label) -> tf.Tensor:
        """Map positions in the endless sequence of images to indices.

        Each pass over the images has its own order.

        Args:
            positions: int64 `(count,)`.
            images: Number of images.
            label: Which images.

        Returns:
            int64 `(count,)`, each from 0 to `images - 1`.
        """
        count = tf.constant(images, tf.int64)
        passes, index = positions // count, positions % count
        ones = tf.ones_like(passes)
        seeds = tf.stack([ones * self.seed, ones * int(label), passes], axis=1)
        # tf.random.experimental.index_shuffle pads a list of seeds along the wrong axis.
        return tf.raw_ops.RandomIndexShuffle(
            index=index, seed=seeds, max_index=count - 1, rounds=SHUFFLE_ROUNDS
        )

    @property
    def _all_images(self) -> int:
        return self.replicas * self.batch_size

    def _seed(
        self, stream: Stream, shard: tf.Tensor, label: Label, candidate: int = 0
    ) -> tf.Tensor:
        step = shard if self.replicas == 1 else shard // self.replicas
        first, second = stream.seed(self.seed, step, label, candidate)
        return tf.stack([tf.constant(first, tf.int64), second])

    def _own(self, drawn: tf.Tensor, shard: tf.Tensor) -> tf.Tensor:
        """Return the rows of a shard among those that were drawn for all replicas."""
        if self.replicas == 1:
            return drawn
        first = shard % self.replicas * self.batch_size
        own = drawn[first : first + self.batch_size]
        return tf.ensure_shape(own, (self.batch_size, *drawn.shape[1:]))
