import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.exporting.quantization.aware import fine_tune, layer_weights, make_quantization_aware
from ganad_tf.exporting.quantization.objectives import match_float_output
from ganad_tf.exporting.quantization.preparation import PreparedGenerator, prepare
from ganad_tf.targets.recipe import Scheme
from tests.support.generators import generator_with_random_statistics

SIZE = 16
IMAGES = np.random.default_rng(0).integers(0, 256, (24, SIZE, SIZE, 1), np.uint8)
INPUTS = IMAGES.astype(np.float32) / np.float32(255)


@pytest.fixture
def generator():
    return generator_with_random_statistics(SIZE, 1, 4)


@pytest.fixture
def prepared(generator) -> PreparedGenerator:
    return prepare(generator, INPUTS)


@pytest.fixture(params=list(Scheme))
def scheme(request: pytest.FixtureRequest) -> Scheme:
    return request.param


@pytest.fixture
def aware(prepared: PreparedGenerator, scheme: Scheme) -> tf_keras.Model:
    return make_quantization_aware(prepared, scheme)


def test_kernels_and_biases_are_those_of_the_prepared_generator(aware, prepared) -> None:
    for name, layer in prepared.layers.items():
        weights = layer_weights(aware, name)
        assert np.array_equal(weights["kernel"], layer.kernel)
        assert np.array_equal(weights["bias"], layer.bias)


def test_activations_lie_on_the_levels_of_their_scheme(aware, prepared, scheme) -> None:
    name = "decoder_2"
    view = tf_keras.Model(aware.input, aware.get_layer(f"quant_{name}").output)
    levels = {Scheme.ASYMMETRIC: 255, Scheme.SYMMETRIC: 127}[scheme]
    steps = view(INPUTS, training=True).numpy() / prepared.ranges[name] * levels
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert steps.min() == 0
    assert steps.max() == pytest.approx(levels)


def test_output_lies_on_the_256_levels_of_the_unit_range(aware) -> None:
    levels = aware(INPUTS, training=True).numpy() * 255
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-3)
    assert levels.min() >= 0
    assert levels.max() <= 255.001
    assert len(np.unique(np.round(levels))) > 64


def test_fine_tuning_comes_closer_to_the_float_output(aware, generator) -> None:
    batches = PairedBatches(IMAGES[:12], IMAGES[12:], TrainConfig(batch_size=4), 0)
    values: list[float] = []
    fine_tune(
        aware,
        batches,
        match_float_output(generator),
        epochs=12,
        learning_rate=1e-3,
        on_epoch=lambda _, value: values.append(value),
    )
    assert len(values) == 12
    assert values[-1] < 0.8 * values[0]


def test_objective_is_the_distance_to_the_clipped_float_output(generator) -> None:
    reconstructions = np.random.default_rng(1).random(INPUTS.shape, np.float32)
    expected = np.abs(reconstructions - np.clip(generator.predict_on_batch(INPUTS), 0, 1)).mean()
    value = match_float_output(generator)(tf.constant(INPUTS), tf.constant(reconstructions))
    assert float(value) == pytest.approx(expected, rel=1e-4)
