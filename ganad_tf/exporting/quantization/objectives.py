"""The objective of quantization-aware training."""

import keras
import tensorflow as tf

from ganad_tf.exporting.quantization.aware import Objective


def match_float_output(generator: keras.Model) -> Objective:
    """Return the objective that measures the L1 distance to the output of the float generator.

    The exported file has to decide like the float model, so the float model is the teacher, for
    normal images and anomalies alike. docs/experiments.md compares this objective with the
    training losses and with both together.

    Args:
        generator: The float generator; its output is clipped to [0, 1].
    """

    def objective(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
        target = tf.clip_by_value(generator(images, training=False), 0.0, 1.0)
        return tf.reduce_mean(tf.abs(reconstructions - target))

    return objective
