import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches import PairedBatches
from ganad_tf.quantization.aware import fine_tune, make_quantization_aware
from ganad_tf.quantization.folding import FoldedLayer, fold_generator
from ganad_tf.quantization.objectives import match_float_output
from ganad_tf.quantization.twin import build_twin
from tests.quantization.test_folding import generator_with_random_statistics

SIZE = 16
IMAGES = np.random.default_rng(0).integers(0, 256, (24, SIZE, SIZE, 1), np.uint8)
INPUTS = IMAGES.astype(np.float32) / np.float32(255)


@pytest.fixture
def generator():
    return generator_with_random_statistics(SIZE, 1, 4)


@pytest.fixture
def folded(generator) -> list[FoldedLayer]:
    return fold_generator(generator)


@pytest.fixture
def aware(folded: list[FoldedLayer]) -> tf_keras.Model:
    return make_quantization_aware(build_twin(folded, SIZE), folded, INPUTS)


def test_kernels_and_biases_are_those_of_the_folded_generator(aware, folded) -> None:
    for layer in folded:
        weights = {
            w.name.split(":")[0]: w.numpy() for w in aware.get_layer(f"quant_{layer.name}").weights
        }
        assert np.array_equal(weights["kernel"], layer.kernel)
        assert np.array_equal(weights["bias"], layer.bias)


def test_ranges_start_from_what_the_calibration_images_give(aware, folded) -> None:
    twin = build_twin(folded, SIZE)
    for name, kind in (("encoder_2", "post_activation"), ("decoder_1_skip", "output")):
        view = tf_keras.Model(twin.input, twin.get_layer(name).output)
        weights = {
            w.name.split(":")[0]: w.numpy() for w in aware.get_layer(f"quant_{name}").weights
        }
        assert weights[f"{kind}_min"] == 0
        assert weights[f"{kind}_max"] == pytest.approx(view.predict_on_batch(INPUTS).max())


def test_output_lies_on_the_256_levels_of_the_unit_range(aware) -> None:
    output = aware(INPUTS, training=True).numpy()
    levels = output * 255
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-3)
    assert output.min() >= 0
    assert output.max() <= 1


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
    copies = np.random.default_rng(1).random(INPUTS.shape, np.float32)
    expected = np.abs(copies - np.clip(generator.predict_on_batch(INPUTS), 0, 1)).mean()
    value = match_float_output(generator)(tf.constant(INPUTS), tf.constant(copies))
    assert float(value) == pytest.approx(expected, rel=1e-4)
