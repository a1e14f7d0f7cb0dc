from dataclasses import replace

import numpy as np
import pytest
import tf_keras
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ganad_tf.model_files import largest_difference
from ganad_tf.quantization.equalization import SMALLEST_SHARE, balancing_factors, equalize
from ganad_tf.quantization.folding import FoldedLayer, fold_generator
from ganad_tf.quantization.preparation import prepare
from ganad_tf.quantization.ranges import (
    calibrate,
    largest_activations,
    share_between_concatenated,
)
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


def test_both_sides_of_a_skip_connection_get_one_range(generator) -> None:
    ranges = prepare(generator, INPUTS).ranges
    for encoder, decoder in PAIRS:
        assert ranges[encoder] == ranges[decoder]


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
    silent = {layer.name: np.zeros_like(layer.bias) for layer in folded}
    for before, after in zip(folded, equalize(folded, silent), strict=True):
        assert np.array_equal(before.kernel, after.kernel)


positive = st.floats(2.0**-20, 2.0**20, width=32)


@given(hnp.arrays(np.float32, (9, 2), elements=positive))
def test_factors_give_activations_and_weights_the_same_shares(ranges: np.ndarray) -> None:
    activations, weights = ranges.T
    factors = balancing_factors(activations, weights)
    assert (factors > 0).all()
    assert (factors * activations).max() <= activations.max() * (1 + 1e-5)
    as_seen = [np.maximum(each / each.max(), SMALLEST_SHARE) for each in (activations, weights)]
    scaled, divided = as_seen[0] * factors, as_seen[1] / factors
    np.testing.assert_allclose(scaled / scaled.max(), divided / divided.max(), rtol=1e-4)


def test_a_faint_channel_with_large_weights_leaves_the_others_their_levels(generator) -> None:
    """What one training had: without equalization such a channel takes nearly all levels."""
    folded = {layer.name: layer for layer in fold_generator(generator)}
    faint = np.ones(8, np.float32)
    faint[3] = 1e-3
    first, second, last = (folded[name] for name in ("encoder_1", "encoder_2", "decoder_4"))
    folded["encoder_1"] = replace(first, kernel=first.kernel * faint, bias=first.bias * faint)
    folded["encoder_2"] = replace(second, kernel=second.kernel / faint[:, None])
    folded["decoder_4"] = replace(
        last, kernel=last.kernel / np.concatenate([np.ones_like(faint), faint])
    )
    layers = list(folded.values())
    largest = largest_activations(build_twin(layers, SIZE), INPUTS)
    equalized = equalize(layers, {name: each.mean(axis=0) for name, each in largest.items()})

    def relative_error(of: list[FoldedLayer]) -> float:
        def rounded(layer: FoldedLayer) -> FoldedLayer:
            scale = np.abs(layer.kernel).max() / 127
            return replace(layer, kernel=np.round(layer.kernel / scale) * scale)

        exact, coarse = (
            build_twin(each, SIZE).predict_on_batch(INPUTS)
            for each in (
                of,
                [rounded(layer) if layer.name == "decoder_4" else layer for layer in of],
            )
        )
        return np.abs(coarse - exact).mean() / np.abs(exact).mean()

    assert relative_error(equalized) < relative_error(layers) / 5
