"""The layers and the optimizer against those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ganad_tf.models.blocks import downconvolution, normalization, upconvolution
from ganad_tf.models.optimizer import FusedAdam

SHAPES = {"batch": st.integers(1, 3), "half": st.integers(1, 5), "maps": st.integers(1, 4)}


def outputs_and_gradients(layer, plain, maps: np.ndarray) -> list[list[tf.Tensor]]:
    """Return output, gradient of the input and of the kernel of a layer and of its like."""
    results = []
    for convolution in (layer, plain):
        convolution.build(maps.shape)
        convolution.kernel.assign(layer.kernel)
        inputs = tf.constant(maps)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output = convolution(inputs)
            loss = tf.reduce_sum(output * tf.cos(output))
        results.append([output, *tape.gradient(loss, [inputs, convolution.kernel.value])])
    return results


@settings(max_examples=15, deadline=None)
@given(**SHAPES, filters=st.integers(1, 4))
def test_a_downconvolution_is_that_of_keras(batch: int, half: int, maps: int, filters: int) -> None:
    inputs = np.random.default_rng(0).normal(size=(batch, 2 * half, 2 * half, maps))
    plain = keras.layers.Conv2D(filters, 4, 2, padding="same", use_bias=False)
    mine, expected = outputs_and_gradients(
        downconvolution(filters, "layer"), plain, inputs.astype(np.float32)
    )
    for value, other in zip(mine, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(**SHAPES, filters=st.integers(1, 4))
def test_an_upconvolution_is_that_of_keras(batch: int, half: int, maps: int, filters: int) -> None:
    inputs = np.random.default_rng(0).normal(size=(batch, half, half, maps))
    plain = keras.layers.Conv2DTranspose(filters, 4, 2, padding="same", use_bias=False)
    mine, expected = outputs_and_gradients(
        upconvolution(filters, "layer"), plain, inputs.astype(np.float32)
    )
    for value, other in zip(mine, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_normalization_is_that_of_keras(training: bool) -> None:
    rng = np.random.default_rng(0)
    mine, plain = normalization("layer"), keras.layers.BatchNormalization()
    for step in range(3):
        maps = tf.constant(rng.normal(step, 2, (4, 3, 3, 5)).astype(np.float32))
        values = []
        for layer in (mine, plain):
            with tf.GradientTape() as tape:
                tape.watch(maps)
                output = layer(maps, training=training)
                loss = tf.reduce_sum(tf.sin(output))
            values.append([output, tape.gradient(loss, maps), *layer.weights])
        for value, expected in zip(*values, strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


def test_a_frozen_normalization_keeps_its_statistics() -> None:
    layer = normalization("layer")
    layer.trainable = False
    layer(tf.random.normal((4, 3, 3, 5)) + 7.0, training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(5))


def test_the_optimizer_is_adam() -> None:
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 20)
    variables = [[keras.Variable([1.0, -2.0, 3.0]), keras.Variable([[0.5]])] for _ in range(2)]
    optimizers = [FusedAdam(schedule), keras.optimizers.Adam(schedule)]
    for step in range(15):
        for optimizer, pair in zip(optimizers, variables, strict=True):
            optimizer.apply([tf.sin(step + 3.0 * variable.value) for variable in pair], pair)
        for mine, expected in zip(*variables, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-5)
