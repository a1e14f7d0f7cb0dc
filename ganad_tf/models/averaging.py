"""The exponential moving average of the weights of a network over training steps."""

import keras
import tensorflow as tf

AVERAGING_DELAY = 10.0


def move_average(
    averaged: keras.Model, network: keras.Model, averaging: float, iterations: keras.Variable
) -> None:
    """Update the moving average of a network; the decay is smaller in the first steps.

    Args:
        averaged: The model that holds the average, statistics of batch normalization included.
        network: The model to average; it has the same layers.
        averaging: Decay per step, in [0, 1).
        iterations: Number of steps that the optimizer has taken.
    """
    step = tf.cast(iterations, tf.float32)
    decay = tf.minimum(averaging, step / (step + AVERAGING_DELAY))
    for mean, value in zip(averaged.weights, network.weights, strict=True):
        mean.assign(decay * mean + (1.0 - decay) * value)
