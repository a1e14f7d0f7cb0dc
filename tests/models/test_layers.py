"""The layers and the optimizer against those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ganad_tf.models.halving import DoublingConv2D, HalvingConv2D
from ganad_tf.models.normalization import FusedBatchNormalization
from ganad_tf.models.optimizer import FusedAdam

SHAPES = {"batch": st.integers(1, 3), "half": st.integers(1, 5), "channels": st.integers(1, 4)}
SETTINGS = {"kernel_size": 4, "strides": 2, "padding": "same", "use_bias": False}


def outputs_and_gradients(layer, plain, images: np.ndarray) -> list[list[tf.Tensor]]:
    """Return the output and the gradients of input and kernel, of a layer and of that of Keras."""
    results = []
    for convolution in (layer, plain):
        convolution.build(images.shape)
        convolution.kernel.assign(layer.kernel)
        inputs = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output = convolution(inputs)
            loss = tf.reduce_sum(output * tf.cos(output))
        results.append([output, *tape.gradient(loss, [inputs, convolution.kernel.value])])
    return results


@settings(max_examples=15, deadline=None)
@given(**SHAPES, filters=st.integers(1, 4))
def test_a_halving_convolution_is_that_of_keras(
    batch: int, half: int, channels: int, filters: int
) -> None:
    inputs = np.random.default_rng(0).normal(size=(batch, 2 * half, 2 * half, channels))
    layers = HalvingConv2D(filters, **SETTINGS), keras.layers.Conv2D(filters, **SETTINGS)
    mine, expected = outputs_and_gradients(*layers, inputs.astype(np.float32))
    for value, other in zip(mine, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(**SHAPES, filters=st.integers(1, 4))
def test_a_doubling_convolution_is_that_of_keras(
    batch: int, half: int, channels: int, filters: int
) -> None:
    inputs = np.random.default_rng(0).normal(size=(batch, half, half, channels))
    layers = DoublingConv2D(filters, **SETTINGS), keras.layers.Conv2DTranspose(filters, **SETTINGS)
    mine, expected = outputs_and_gradients(*layers, inputs.astype(np.float32))
    for value, other in zip(mine, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_normalization_is_that_of_keras(training: bool) -> None:
    rng = np.random.default_rng(0)
    mine, plain = FusedBatchNormalization(), keras.layers.BatchNormalization()
    for step in range(3):
        inputs = tf.constant(rng.normal(step, 2, (4, 3, 3, 5)).astype(np.float32))
        values = []
        for layer in (mine, plain):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                output = layer(inputs, training=training)
                loss = tf.reduce_sum(tf.sin(output))
            values.append([output, tape.gradient(loss, inputs), *layer.weights])
        for value, expected in zip(*values, strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


def test_a_frozen_normalization_keeps_its_statistics() -> None:
    layer = FusedBatchNormalization()
    layer.trainable = False
    layer(tf.random.normal((4, 3, 3, 5)) + 7.0, training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(5))


@pytest.mark.parametrize(
    ("convolution", "setting"),
    [
        *(
            (convolution, setting)
            for convolution in (HalvingConv2D, DoublingConv2D)
            for setting in (
                {"kernel_size": 3},
                {"strides": 1},
                {"padding": "valid"},
                {"data_format": "channels_first"},
                {"activation": "relu"},
                {"use_bias": True},
            )
        ),
        (HalvingConv2D, {"strides": 1, "dilation_rate": 2}),
        (HalvingConv2D, {"groups": 2}),
        (DoublingConv2D, {"output_padding": 1}),
    ],
)
def test_a_convolution_refuses_what_it_does_not_do(convolution, setting: dict) -> None:
    with pytest.raises(ValueError, match=f"{convolution.__name__} supports only"):
        convolution(4, **SETTINGS | setting)


def test_a_refusal_names_the_setting_and_both_values() -> None:
    with pytest.raises(ValueError, match="supports only activation=linear, got relu"):
        HalvingConv2D(4, **SETTINGS, activation="relu")


@pytest.mark.parametrize(
    ("convolution", "shape", "message"),
    [
        (HalvingConv2D, (1, 8, 7, 1), "even height and width"),
        (HalvingConv2D, (1, None, 8, 1), "even height and width"),
        (DoublingConv2D, (1, 8, None, 1), "known height and width"),
    ],
)
def test_a_convolution_refuses_sizes_that_its_gradient_cannot_take(
    convolution, shape: tuple, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        convolution(4, **SETTINGS).build(shape)


@pytest.mark.parametrize("layer", [HalvingConv2D, DoublingConv2D])
def test_a_convolution_is_built_from_its_own_configuration(layer) -> None:
    config = layer(4, **SETTINGS, name="layer").get_config()
    assert layer.from_config(config).get_config() == config


@pytest.mark.parametrize(
    "setting", [{"axis": 1}, {"center": False}, {"scale": False}, {"renorm": True}]
)
def test_normalization_refuses_what_it_does_not_do(setting: dict) -> None:
    with pytest.raises(ValueError, match="FusedBatchNormalization supports only"):
        FusedBatchNormalization(**setting)


def test_the_optimizer_refuses_amsgrad() -> None:
    with pytest.raises(ValueError, match="FusedAdam supports only amsgrad=False, got True"):
        FusedAdam(amsgrad=True)


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"weight_decay": 0.1},
        {"clipnorm": 0.1},
        {"clipvalue": 0.1},
        {"global_clipnorm": 0.1},
        {"use_ema": True, "ema_overwrite_frequency": 4},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 0.5},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1},
    ],
)
def test_the_optimizer_is_adam(setting: dict) -> None:
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 20)
    variables = [[keras.Variable([1.0, -2.0, 3.0]), keras.Variable([[0.5]])] for _ in range(2)]
    optimizers = [kind(schedule, **setting) for kind in (FusedAdam, keras.optimizers.Adam)]
    for step in range(15):
        for optimizer, pair in zip(optimizers, variables, strict=True):
            optimizer.apply([tf.sin(step + 3.0 * variable.value) for variable in pair], pair)
        for mine, expected in zip(*variables, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-5)
