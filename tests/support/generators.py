"""Generators without a training."""

import keras
import numpy as np

from ganad_tf.models.generator import build_generator


def generator_with_random_statistics(size: int, channels: int, width: int) -> keras.Model:
    """A generator as after training: batch normalization has statistics of its own."""
    keras.utils.set_random_seed(0)
    generator = build_generator(size, channels, width)
    rng = np.random.default_rng(0)
    for layer in generator.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (np.shape(w) for w in layer.weights)
            layer.set_weights(
                [
                    rng.uniform(-2, 2, gamma),
                    rng.normal(0, 0.5, beta),
                    rng.normal(0, 0.5, mean),
                    rng.uniform(0.05, 2, variance),
                ]
            )
    return generator
