import numpy as np
import pytest
import tf_keras

from ganad_tf.model_files import largest_difference
from ganad_tf.quantization.equalization import equalize_concatenated
from ganad_tf.quantization.folding import fold_generator
from ganad_tf.quantization.preparation import prepare
from ganad_tf.quantization.ranges import calibrate, share_between_concatenated
from ganad_tf.quantization.twin import build_twin
from tests.quantization.test_folding import generator_with_random_statistics

SIZE = 32
IMAGES = np.random.default_rng(0).integers(0, 256, (64, SIZE, SIZE, 1), np.uint8)
INPUTS = IMAGES.astype(np.float32) / np.float32(255)
PAIRS = (("encoder_3", "decoder_1"), ("encoder_2", "decoder_2"), ("encoder_1", "decoder_3"))


@pytest.fixture(scope="module")
def generator():
    return generator_with_random_statistics(SIZE, 1, 8)


def test_the_prepared_twin_computes_what_the_generator_computes(generator) -> None:
    prepared = prepare(generator, INPUTS)
    scale = np.abs(generator.predict_on_batch(INPUTS)).max()
    assert largest_difference(generator, prepared.twin, IMAGES) < 1e-5 * max(1, scale)


def test_ranges_are_the_mean_of_the_largest_values_of_the_batches(generator) -> None:
    twin = build_twin(fold_generator(generator), SIZE)
    ranges = calibrate(twin, INPUTS)
    view = tf_keras.Model(twin.input, twin.get_layer("decoder_2").output)
    maps = view.predict_on_batch(INPUTS)
    expected = (maps[:32].max() + maps[32:].max()) / 2
    assert ranges["decoder_2"] == pytest.approx(expected, rel=1e-5)
    assert ranges["decoder_4"] == 1
    assert len(ranges) == 8


def test_sides_of_a_skip_connection_differ_before_and_agree_after(generator) -> None:
    before = calibrate(build_twin(fold_generator(generator), SIZE), INPUTS)
    prepared = prepare(generator, INPUTS)
    after = calibrate(prepared.twin, INPUTS)
    for encoder, decoder in PAIRS:
        assert after[decoder] == pytest.approx(before[encoder], rel=1e-4)
        assert after[encoder] == pytest.approx(before[encoder], rel=1e-4)
        assert prepared.ranges[encoder] == prepared.ranges[decoder]
    assert any(before[decoder] > 2 * before[encoder] for encoder, decoder in PAIRS)


def test_sharing_takes_the_larger_range_of_each_pair() -> None:
    ranges = {name: float(i) for i, pair in enumerate(PAIRS) for name in pair}
    ranges |= {"encoder_3": 5.0, "decoder_2": 7.0, "encoder_4": 0.5, "decoder_4": 1.0}
    shared = share_between_concatenated(ranges)
    assert shared["encoder_3"] == shared["decoder_1"] == 5
    assert shared["encoder_2"] == shared["decoder_2"] == 7
    assert shared["encoder_4"] == 0.5
    assert shared["decoder_4"] == 1


def test_layers_that_are_never_above_zero_are_left_alone(generator) -> None:
    folded = fold_generator(generator)
    silent = dict.fromkeys((layer.name for layer in folded), 0.0)
    for before, after in zip(folded, equalize_concatenated(folded, silent), strict=True):
        assert np.array_equal(before.kernel, after.kernel)
