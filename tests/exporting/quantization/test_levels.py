import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from ganad_tf.exporting.quantization.aware import layer_weights, make_quantization_aware
from ganad_tf.exporting.quantization.levels import quantized_layers
from ganad_tf.exporting.quantization.preparation import PreparedGenerator, prepare
from ganad_tf.targets.recipe import Scheme
from tests.support.generators import generator_with_random_statistics

INPUTS = np.random.default_rng(0).random((8, 16, 16, 1), np.float32)


@pytest.fixture(scope="module")
def prepared() -> PreparedGenerator:
    return prepare(generator_with_random_statistics(16, 1, 4), INPUTS)


@pytest.fixture(params=list(Scheme))
def aware(request: pytest.FixtureRequest, prepared: PreparedGenerator) -> tf_keras.Model:
    model = make_quantization_aware(prepared, request.param)
    for name in ("encoder_2", "decoder_4"):
        # Half of the weights lie in the middle between two levels, where roundings differ.
        kernel = layer_weights(model, name)["kernel"]
        ties = np.round(kernel.numpy() * 20) + 0.5
        flat = ties.reshape(-1, ties.shape[-1])
        flat[0] = flat[1] = flat[2] = 127
        kernel.assign(ties / 127)
    model(INPUTS, training=True)
    return model


def kernel_at_work(model: tf_keras.Model, name: str) -> np.ndarray:
    """The fake-quantized kernel that the layer of the model multiplies with."""
    wrapper = model.get_layer(f"quant_{name}")
    ((kernel, quantizer),) = wrapper.quantize_config.get_weights_and_quantizers(wrapper.layer)
    del kernel
    weights = layer_weights(model, name)
    ranges = {"min_var": weights["kernel_min"], "max_var": weights["kernel_max"]}
    return quantizer(tf.convert_to_tensor(weights["kernel"]), False, ranges).numpy()


def test_levels_stand_for_the_kernels_at_work(aware: tf_keras.Model, prepared) -> None:
    for name, layer in quantized_layers(aware, prepared.ranges, Scheme.ASYMMETRIC).items():
        np.testing.assert_allclose(layer.kernel, kernel_at_work(aware, name), atol=1e-6)
        assert layer.levels.dtype == np.int8
        assert np.abs(layer.levels.astype(int)).max() == 127


def test_scales_are_those_of_the_scheme(aware: tf_keras.Model, prepared) -> None:
    for scheme, levels in ((Scheme.ASYMMETRIC, 255), (Scheme.SYMMETRIC, 127)):
        for name, layer in quantized_layers(aware, prepared.ranges, scheme).items():
            assert layer.output_scale == pytest.approx(prepared.ranges[name] / levels)
            is_transposed = name.startswith("decoder")
            assert layer.kernel_scales.shape == (() if is_transposed else layer.bias.shape)
