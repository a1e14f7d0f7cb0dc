from dataclasses import replace

import numpy as np
import pytest
import tf_keras

from ganad_tf.exporting.model_files import largest_difference
from ganad_tf.exporting.quantization.equalization import equalize_concatenated
from ganad_tf.exporting.quantization.folding import FoldedLayer, fold_generator
from ganad_tf.exporting.quantization.preparation import prepare
from ganad_tf.exporting.quantization.ranges import calibrate, share_between_concatenated
from ganad_tf.exporting.quantization.twin import build_twin
from tests.support.generators import generator_with_random_statistics

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
    outputs = view.predict_on_batch(INPUTS)
    expected = (outputs[:32].max() + outputs[32:].max()) / 2
    assert ranges["decoder_2"] == pytest.approx(expected, rel=1e-5)
    assert ranges["decoder_4"] == 1
    assert len(ranges) == 8


def largest_weights(layers: dict[str, FoldedLayer], decoder: str) -> tuple[float, float]:
    """The largest weights that read a decoder layer and the encoder layer concatenated to it."""
    kernel = np.abs(layers[f"decoder_{int(decoder[-1]) + 1}"].kernel)
    channels = layers[decoder].kernel.shape[2]
    return kernel[..., :channels].max(), kernel[..., channels:].max()


def test_inputs_of_a_concatenation_come_nearer_at_the_cost_of_their_weights(generator) -> None:
    folded, prepared = fold_generator(generator), prepare(generator, INPUTS)
    before, after = calibrate(build_twin(folded, SIZE), INPUTS), calibrate(prepared.twin, INPUTS)
    for encoder, decoder in PAIRS:
        assert prepared.ranges[encoder] == prepared.ranges[decoder]
        assert after[encoder] == pytest.approx(before[encoder], rel=1e-4)
        (own, other), (own_after, other_after) = (
            largest_weights(layers, decoder) for layers in (folded, prepared.layers)
        )
        wider, wider_after = before[decoder] / before[encoder], after[decoder] / after[encoder]
        factor = wider_after / wider
        assert factor == pytest.approx(wider ** (-2 / 3) * (own / other) ** (1 / 3), rel=1e-3)
        assert own_after / other_after == pytest.approx(own / other / factor, rel=1e-3)
    assert any(before[decoder] > 2 * before[encoder] for encoder, decoder in PAIRS)


def test_a_decoder_of_wide_range_leaves_the_weights_of_the_encoder_their_levels(generator) -> None:
    """One training had 24 times the encoder's range: at equal ranges its int8 file lost .019."""
    layers = fold_generator(generator)
    wide = layers["decoder_3"]
    ranges = calibrate(build_twin(layers, SIZE), INPUTS)
    factor = np.float32(24 * ranges["encoder_1"] / ranges["decoder_3"])
    layers["decoder_3"] = replace(wide, kernel=wide.kernel * factor, bias=wide.bias * factor)
    ranges = calibrate(build_twin(layers, SIZE), INPUTS)
    assert ranges["decoder_3"] / ranges["encoder_1"] == pytest.approx(24, rel=1e-3)
    own, other = largest_weights(layers, "decoder_3")
    levels_at_equal_ranges = 127 * other / (24 * own)
    own, other = largest_weights(equalize_concatenated(layers, ranges), "decoder_3")
    assert 127 * other / own > 2.5 * levels_at_equal_ranges


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
    equalized = equalize_concatenated(folded, dict.fromkeys(folded, 0.0))
    assert list(equalized) == list(folded)
    for name in folded:
        assert np.array_equal(folded[name].kernel, equalized[name].kernel)
