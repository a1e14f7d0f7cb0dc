"""What runs fast on a CPU, compared with what LiteRT really hands to XNNPACK."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter

from ganad_tf.exporting.tflite.lowering import lower_transposed_convolutions
from ganad_tf.targets.check import check
from ganad_tf.targets.profile import load_profile
from ganad_tf.targets.report import CheckReport, Level, Place
from tests.support.onnx_models import model
from tests.support.tflite_files import converter_of, quantized, u_net

CPU = load_profile("cpu")


def is_delegated_whole(path: Path) -> bool:
    """Tell whether LiteRT hands the whole model to XNNPACK in one piece."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,), (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
    parts = [part for part in interpreter._get_ops_details() if part["op_name"] == "DELEGATE"]
    return any(
        given["index"] in part["inputs"] and wanted["index"] in part["outputs"] for part in parts
    )


def on_the_cpu(report: CheckReport) -> set[str]:
    return {row.operator for row in report.rows if row.place == Place.CPU}


def test_the_plain_network_is_mapped_and_delegated(plain: Path) -> None:
    assert check(plain, CPU).is_mapped
    assert is_delegated_whole(plain)


def test_our_files_are_mapped_and_delegated(save: Callable, ours_before_lowering: bytes) -> None:
    for content in (ours_before_lowering, lower_transposed_convolutions(ours_before_lowering)):
        path = save("ours.tflite", content)
        assert check(path, CPU).is_mapped
        assert is_delegated_whole(path)


def test_leaky_relu_is_taken_here(leaky: Path) -> None:
    assert check(leaky, CPU).is_mapped
    assert is_delegated_whole(leaky)


def test_a_float_model_is_mapped_and_noted(float_model: Path) -> None:
    report = check(float_model, CPU)
    assert report.is_mapped
    assert [finding.level for finding in report.findings] == [Level.NOTE]
    assert is_delegated_whole(float_model)


def test_float16_weights_are_mapped_and_delegated(save: Callable) -> None:
    import tensorflow as tf

    converter = converter_of(u_net())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    path = save("half.tflite", converter.convert())
    report = check(path, CPU)
    assert "DEQUANTIZE" in {row.operator for row in report.rows}
    assert report.is_mapped
    assert is_delegated_whole(path)


def test_a_quantized_relu_of_its_own_is_not_taken(save: Callable) -> None:
    from tf_keras import layers

    path = save("relu.tflite", quantized(u_net(lambda maps: layers.ReLU()(layers.ReLU(6)(maps)))))
    report = check(path, CPU)
    assert report.is_mapped == is_delegated_whole(path)
    assert not report.is_refused


def test_an_operator_outside_the_list_runs_without_taking_others_along(float_inside: Path) -> None:
    report = check(float_inside, CPU)
    assert on_the_cpu(report) == {"CUMSUM"}
    assert not is_delegated_whole(float_inside)


def test_conversion_from_uint8_is_not_taken(uint8_bounds: Path) -> None:
    report = check(uint8_bounds, CPU)
    assert on_the_cpu(report) == {"QUANTIZE"}
    assert not is_delegated_whole(uint8_bounds)


def test_a_dynamic_batch_is_a_warning(dynamic_batch: Path, save: Callable) -> None:
    dynamic_onnx = save("dynamic.onnx", model(batch="n").SerializeToString())
    for path in (dynamic_batch, dynamic_onnx):
        report = check(path, CPU)
        assert report.is_mapped
        assert [finding.level for finding in report.findings] == [Level.WARNING]


def test_onnx_may_be_asymmetric(save: Callable) -> None:
    built = model(zero_point=-128, levels=np.int8)
    onnx.checker.check_model(built, full_check=True)
    report = check(save("model.onnx", built.SerializeToString()), CPU)
    assert report.is_mapped
    assert report.findings == ()


def test_a_quantized_transposed_convolution_in_onnx_runs_in_float(save: Callable) -> None:
    report = check(save("up.onnx", model(kind="ConvTranspose").SerializeToString()), CPU)
    (finding,) = report.findings
    assert finding.level == Level.WARNING
    assert "in float" in finding.reason


@pytest.mark.parametrize(("opset", "is_fine"), [(13, True), (21, True), (22, False)])
def test_onnx_has_a_range_of_opsets(save: Callable, opset: int, is_fine: bool) -> None:
    report = check(save("m.onnx", model(opset=opset).SerializeToString()), CPU)
    assert report.is_mapped == is_fine
