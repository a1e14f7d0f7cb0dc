"""Batch normalization as one operation of TensorFlow."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from ganad_tf.models.supported import check_supported


@keras.saving.register_keras_serializable(package="ganad_tf")
class FusedBatchNormalization(layers.BatchNormalization):
    """A `keras.layers.BatchNormalization` over the last axis that trains with fused kernels.

    Keras computes mean, variance and the normalized values, and the gradient of each, with some
    twenty operations that all pass over the feature maps. Under a strategy of `tf.distribute`
    with several replicas, the statistics are those of the batches of all replicas together, and
    fused kernels, which see only one batch, are not used.

    Raises:
        ValueError: If the axis is not the last one, the scale or the offset is left out, or
            batch renormalization is on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check_supported(self, axis=-1, center=True, scale=True, renorm=False)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalize each channel of the inputs.

        Args:
            inputs: float32 `(batch, height, width, channels)`.
            training: Whether to use the statistics of the batch and update the moving ones, or
                to use the moving ones.
        """
        if not (training and self.trainable):
            return super().call(inputs)
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            return self._normalize_over_replicas(inputs)
        normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=(),
            variance=(),
            epsilon=self.epsilon,
        )
        # The operation returns the unbiased variance, Keras keeps the biased one.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * (count - 1) / count)
        return normalized

    def _normalize_over_replicas(self, inputs: tf.Tensor) -> tf.Tensor:
        axes = list(range(inputs.shape.rank - 1))
        moments = tf.stack([tf.reduce_mean(inputs, axes), tf.reduce_mean(tf.square(inputs), axes)])
        # One reduction for both, because the time for small tensors is mostly latency.
        mean, mean_square = tf.unstack(
            tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, moments)
        )
        variance = mean_square - tf.square(mean)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return tf.nn.batch_normalization(
            inputs,
            mean,
            variance,
            tf.convert_to_tensor(self.beta),
            tf.convert_to_tensor(self.gamma),
            self.epsilon,
        )

    def _move(self, average: keras.Variable, value: tf.Tensor) -> None:
        average.assign(average * self.momentum + value * (1.0 - self.momentum))
