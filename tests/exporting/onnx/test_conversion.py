"""ONNX files, run by onnxruntime, against the models in TensorFlow that they are made from."""

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.exporting.onnx.conversion import (
    convert_float_to_onnx,
    convert_to_onnx,
    convert_to_tensorrt_onnx,
)
from ganad_tf.exporting.quantization.aware import fine_tune, make_quantization_aware
from ganad_tf.exporting.quantization.levels import quantized_layers
from ganad_tf.exporting.quantization.objectives import match_float_output
from ganad_tf.exporting.quantization.preparation import PreparedGenerator, prepare
from ganad_tf.targets.recipe import Scheme
from tests.support.generators import generator_with_random_statistics

SHAPE = (32, 32, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (40, *SHAPE), np.uint8)
INPUTS = IMAGES.astype(np.float32) / np.float32(255)
CONVERTERS = {Scheme.ASYMMETRIC: convert_to_onnx, Scheme.SYMMETRIC: convert_to_tensorrt_onnx}


@pytest.fixture(scope="module")
def generator():
    return generator_with_random_statistics(32, 3, 8)


@pytest.fixture(scope="module")
def prepared(generator) -> PreparedGenerator:
    return prepare(generator, INPUTS)


@pytest.fixture(scope="module", params=list(Scheme))
def quantized(request, generator, prepared) -> tuple[Scheme, NDArray, bytes]:
    """The scheme, the output of the fake-quantized model in pixel levels, and its ONNX file."""
    scheme = request.param
    aware = make_quantization_aware(prepared, scheme)
    batches = PairedBatches(IMAGES[:20], IMAGES[20:], TrainConfig(batch_size=5), 0)
    fine_tune(aware, batches, match_float_output(generator), 1, 1e-4, lambda *_: None)
    levels = np.round(aware(INPUTS, training=False).numpy() * 255)
    layers = quantized_layers(aware, prepared.ranges, scheme)
    return scheme, levels, CONVERTERS[scheme](layers, SHAPE)


def run(content: bytes, images: NDArray) -> NDArray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: image[np.newaxis]})[0] for image in images])


@pytest.mark.parametrize(("is_half", "tolerance"), [(False, 1e-5), (True, 5e-3)])
def test_float_files_compute_what_the_generator_computes(
    generator, prepared, is_half: bool, tolerance: float
) -> None:
    content = convert_float_to_onnx(prepared.layers, SHAPE, is_half)
    expected = generator.predict_on_batch(INPUTS)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(run(content, INPUTS), expected, atol=tolerance * scale)


def test_int8_files_compute_what_the_fake_quantized_model_computes(quantized) -> None:
    _, levels, content = quantized
    pixels = run(content, IMAGES)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels - levels).mean() < 0.1
    assert abs((pixels - levels).mean()) < 0.01
    assert (pixels == levels).mean() > 0.9
    assert len(np.unique(pixels)) > 64


def test_black_borders_are_padded_like_in_tensorflow(quantized) -> None:
    """The padding is the pixel 0, also where 128 is taken off first."""
    _, levels, content = quantized
    pixels = run(content, IMAGES)
    borders = np.ones(SHAPE[:2], bool)
    borders[2:-2, 2:-2] = False
    assert np.abs(pixels - levels)[:, borders].mean() < 0.1


def test_files_are_static_and_take_pixels(quantized) -> None:
    model = onnx.load_from_string(quantized[2])
    onnx.checker.check_model(model, full_check=True)
    for value in (model.graph.input[0], model.graph.output[0]):
        tensor = value.type.tensor_type
        assert tensor.elem_type == onnx.TensorProto.UINT8
        assert [size.dim_value for size in tensor.shape.dim] == [1, *SHAPE]
    assert [opset.version for opset in model.opset_import] == [13]


def constants(model: onnx.ModelProto) -> dict[str, NDArray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_the_file_for_tensorrt_has_no_zero_point_but_0(quantized) -> None:
    scheme, _, content = quantized
    model = onnx.load_from_string(content)
    values = constants(model)
    zero_points = [
        values[node.input[2]]
        for node in model.graph.node
        if node.op_type in ("QuantizeLinear", "DequantizeLinear")
    ]
    assert len(zero_points) >= 24
    if scheme == Scheme.SYMMETRIC:
        assert not any(point.any() for point in zero_points)
        assert {point.dtype for point in zero_points} == {np.dtype(np.int8)}


def test_kernels_of_convolutions_have_one_scale_per_output_channel(quantized) -> None:
    values = constants(onnx.load_from_string(quantized[2]))
    shapes = {name: value.shape for name, value in values.items() if "kernel_scale" in name}
    assert [shapes[f"encoder_{i}_kernel_scale"] for i in (1, 2, 3, 4)] == [
        (8,),
        (16,),
        (32,),
        (64,),
    ]
    assert {shapes[f"decoder_{i}_kernel_scale"] for i in (1, 2, 3, 4)} == {()}


def test_both_inputs_of_a_concatenation_have_one_scale(quantized) -> None:
    model = onnx.load_from_string(quantized[2])
    values = constants(model)
    producers = {node.output[0]: node for node in model.graph.node}
    concatenations = [node for node in model.graph.node if node.op_type == "Concat"]
    assert len(concatenations) == 3
    for node in concatenations:
        scales = {float(values[producers[name].input[1]]) for name in node.input}
        assert len(scales) == 1
