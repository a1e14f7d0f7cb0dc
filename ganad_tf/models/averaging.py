"""The exponential moving average of a network's weights over the steps of a training."""

import keras
import tensorflow as tf

AVERAGING_DELAY = 10.0


def move_average(
    averaged: keras.Model, network: keras.Model, averaging: float, iterations: keras.Variable
) -> None:
    """Move an average towards a network, by more in the first steps.

    Args:
        averaged: Holds the average, statistics of batch normalization included.
        network: A network of the same shape.
        averaging: Decay per step, in [0, 1).
        iterations: Steps that the optimizer has done.
    """
    step = tf.cast(iterations, tf.float32)
    decay = tf.minimum(averaging, step / (step + AVERAGING_DELAY))
    for mean, value in zip(averaged.weights, network.weights, strict=True):
        mean.assign(decay * mean + (1.0 - decay) * value)
