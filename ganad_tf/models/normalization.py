"""Batch normalization as one operation of TensorFlow."""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable(package="ganad_tf")
class FusedBatchNormalization(layers.BatchNormalization):
    """A `keras.layers.BatchNormalization` over the last axis that trains with fused kernels.

    Keras computes mean, variance and the normalized maps, and the gradient of each, with some
    twenty operations that all pass over the maps. Under a strategy of `tf.distribute` with
    several replicas, the statistics are those of the batches of all replicas together, and
    fused kernels, which know of one batch alone, are not used.
    """

    def call(self, maps: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalize maps `(batch, height, width, channels)`.

        Args:
            maps: float32.
            training: Whether to use the statistics of the batch and to update the moving ones,
                or to use the moving ones.
        """
        if not (training and self.trainable):
            return super().call(maps)
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            return self._normalize_over_replicas(maps)
        normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=maps,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=(),
            variance=(),
            epsilon=self.epsilon,
        )
        # The operation returns the unbiased variance, Keras keeps the biased one.
        count = tf.cast(tf.reduce_prod(tf.shape(maps)[:-1]), tf.float32)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * (count - 1) / count)
        return normalized

    def _normalize_over_replicas(self, maps: tf.Tensor) -> tf.Tensor:
        axes = list(range(maps.shape.rank - 1))
        moments = tf.stack([tf.reduce_mean(maps, axes), tf.reduce_mean(tf.square(maps), axes)])
        # One reduction for both, because on small maps its latency is what takes time.
        mean, mean_square = tf.unstack(
            tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, moments)
        )
        variance = mean_square - tf.square(mean)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return tf.nn.batch_normalization(
            maps,
            mean,
            variance,
            tf.convert_to_tensor(self.beta),
            tf.convert_to_tensor(self.gamma),
            self.epsilon,
        )

    def _move(self, average: keras.Variable, value: tf.Tensor) -> None:
        average.assign(average * self.momentum + value * (1.0 - self.momentum))
