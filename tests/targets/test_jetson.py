"""The rules of TensorRT's parser on ONNX models built for each of them."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from ganad_tf.targets.check import check
from ganad_tf.targets.profile import load_profile
from ganad_tf.targets.report import CheckReport, Level, OperatorRow, Place
from tests.support.onnx_models import model

JETSON = load_profile("jetson")


@pytest.fixture
def report_on(save: Callable) -> Callable[..., CheckReport]:
    """Check a model of `onnx_models`, after making sure that it is a valid one."""

    def run(**settings: object) -> CheckReport:
        built = model(**settings)
        onnx.checker.check_model(built, full_check=True)
        return check(save("model.onnx", built.SerializeToString()), JETSON)

    return run


def refused(report: CheckReport) -> list[OperatorRow]:
    return [row for row in report.rows if row.place == Place.REFUSED]


def test_a_symmetric_model_with_uint8_bounds_is_mapped(report_on: Callable) -> None:
    for kind in ("Conv", "ConvTranspose"):
        report = report_on(kind=kind)
        assert report.is_mapped
        assert report.findings == ()
        assert report.format == "onnx"


def test_a_zero_point_is_refused(report_on: Callable) -> None:
    report = report_on(zero_point=-128)
    assert {row.operator for row in refused(report)} == {"QuantizeLinear", "DequantizeLinear"}
    assert "every zero point must be 0" in refused(report)[0].reason
    assert "-128" in refused(report)[0].reason
    assert not report.is_mapped


def test_unsigned_levels_are_refused_even_with_zero_point_0(report_on: Callable) -> None:
    report = report_on(levels=np.uint8)
    assert {row.operator for row in refused(report)} == {"QuantizeLinear", "DequantizeLinear"}
    assert "uint8" in refused(report)[0].reason


def test_an_integer_bias_is_refused(report_on: Callable) -> None:
    (row,) = refused(report_on(quantized_bias=True))
    assert row.operator == "DequantizeLinear"
    assert "int32" in row.reason
    assert "leave biases in float" in row.remedy


def test_a_dynamic_batch_is_refused(report_on: Callable) -> None:
    report = report_on(batch="batch")
    (finding,) = report.findings
    assert finding.level == Level.REFUSED
    assert "?x4x8x8" in finding.reason
    assert "--minShapes" in finding.remedy


def test_an_operator_outside_the_parser_is_refused(report_on: Callable) -> None:
    (row,) = refused(report_on(extra="Bernoulli", is_quantized=False))
    assert row.operator == "Bernoulli"
    assert "plugin" in row.remedy


def test_an_operator_that_onnx_does_not_have_is_refused(save: Callable) -> None:
    built = model(extra="EfficientNMS_TRT", is_quantized=False)
    (row,) = refused(check(save("plugin.onnx", built.SerializeToString()), JETSON))
    assert row.operator == "EfficientNMS_TRT"


@pytest.mark.parametrize(("opset", "is_fine"), [(13, True), (20, True), (21, False)])
def test_the_opset_has_a_range(report_on: Callable, opset: int, is_fine: bool) -> None:
    report = report_on(opset=opset)
    assert report.is_mapped == is_fine
    assert any(f"opset {opset}" in finding.reason for finding in report.findings) != is_fine


def test_transposed_convolutions_have_no_scale_an_output_channel(report_on: Callable) -> None:
    (row,) = refused(report_on(kind="ConvTranspose", axis=1))
    assert row.operator == "ConvTranspose"
    assert "axis 1" in row.reason
    assert "2380" in row.source
    assert report_on(kind="ConvTranspose", axis=None).is_mapped


def test_convolutions_have_their_scales_along_axis_0(report_on: Callable) -> None:
    (row,) = refused(report_on(axis=1))
    assert row.operator == "Conv"
    assert "axis 0" in row.reason


def test_weights_per_tensor_run_with_a_warning(report_on: Callable) -> None:
    report = report_on(axis=None)
    (finding,) = report.findings
    assert finding.level == Level.WARNING
    assert "4 channels" in finding.reason
    assert report.is_mapped


def test_a_float_model_runs_in_fp16(report_on: Callable) -> None:
    report = report_on(is_quantized=False)
    (finding,) = report.findings
    assert finding.level == Level.NOTE
    assert "FP16" in finding.reason
    assert report.is_mapped


def test_uint8_between_two_operators_is_refused(report_on: Callable) -> None:
    report = report_on(identity_after_cast=True)
    assert [row.operator for row in refused(report)] == ["Cast", "Identity"]
    assert "the last operator" in refused(report)[0].remedy
