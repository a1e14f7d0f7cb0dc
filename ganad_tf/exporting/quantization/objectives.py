"""What quantization-aware training minimizes."""

import keras
import tensorflow as tf

from ganad_tf.exporting.quantization.aware import Objective


def match_float_output(generator: keras.Model) -> Objective:
    """Return the L1 distance to what the float generator makes of the same images.

    The exported file shall decide like the float model, so the float model is the teacher, on
    normal images and anomalies alike. Compared with the training losses and with both
    together in docs/experiments.md.
    """

    def objective(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
        target = tf.clip_by_value(generator(images, training=False), 0.0, 1.0)
        return tf.reduce_mean(tf.abs(reconstructions - target))

    return objective
