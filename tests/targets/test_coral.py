"""The rules of edgetpu_compiler on real files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from ganad_tf.errors import UserError
from ganad_tf.exporting.tflite.lowering import lower_transposed_convolutions
from ganad_tf.targets.check import check
from ganad_tf.targets.profile import load_profile
from ganad_tf.targets.report import CheckReport, Level, Place
from tests.support.tflite_files import edited, operators_of, quantized, u_net

CORAL = load_profile("coral")
BUILTIN = schema.BuiltinOperator


def places(report: CheckReport) -> dict[str, set[Place]]:
    found: dict[str, set[Place]] = {}
    for row in report.rows:
        found.setdefault(row.operator, set()).add(row.place)
    return found


def reasons(report: CheckReport, level: Level) -> list[str]:
    return [finding.reason for finding in report.findings if finding.level == level]


def test_our_file_before_lowering_is_refused_for_its_transposed_convolutions(
    save: Callable, ours_before_lowering: bytes
) -> None:
    report = check(save("ours.tflite", ours_before_lowering), CORAL)
    refused = [row for row in report.rows if row.place == Place.REFUSED]
    assert {row.operator for row in refused} == {"TRANSPOSE_CONV"}
    assert {row.version for row in refused} == {4}
    assert "version 4, 3 is the highest" in refused[0].reason
    assert "zero point -128" in refused[0].remedy
    assert refused[0].source.endswith("issues/845")
    assert report.is_refused
    assert not report.is_mapped


def test_our_file_after_lowering_is_mapped_whole(
    save: Callable, ours_before_lowering: bytes
) -> None:
    path = save("ours.tflite", lower_transposed_convolutions(ours_before_lowering))
    report = check(path, CORAL)
    assert {row.place for row in report.rows} == {Place.ACCELERATOR}
    assert report.is_mapped
    assert not reasons(report, Level.REFUSED)
    assert report.summary.startswith(f"{len(report.rows)} of {len(report.rows)} operators")


def test_the_plain_network_is_mapped_without_a_word(plain: Path) -> None:
    report = check(plain, CORAL)
    assert report.is_mapped
    assert report.findings == ()
    assert all(not row.reason for row in report.rows)


def test_leaky_relu_falls_back_and_takes_all_behind_it_along(leaky: Path) -> None:
    report = check(leaky, CORAL)
    kinds = [row.operator for row in report.rows]
    first = kinds.index("LEAKY_RELU")
    assert {row.place for row in report.rows[:first]} == {Place.ACCELERATOR}
    assert {row.place for row in report.rows[first:]} == {Place.CPU}
    assert "PReLU with shared_axes=[1, 2]" in report.rows[first].remedy
    assert "behind LEAKY_RELU" in report.rows[-1].reason
    assert not report.is_refused
    assert not report.is_mapped


@pytest.mark.parametrize(("shared_axes", "place"), [([1, 2], Place.ACCELERATOR), (None, Place.CPU)])
def test_prelu_is_mapped_with_shared_axes_alone(
    save: Callable, shared_axes: list[int] | None, place: Place
) -> None:
    from tf_keras import layers

    prelu = layers.PReLU("random_uniform", shared_axes=shared_axes)
    report = check(save("prelu.tflite", quantized(u_net(prelu))), CORAL)
    assert places(report)["PRELU"] == {place}


def test_a_dynamic_batch_is_refused(dynamic_batch: Path) -> None:
    report = check(dynamic_batch, CORAL)
    (reason,) = reasons(report, Level.REFUSED)
    assert "dynamic sizes" in reason
    assert "?x16x16x1" in reason
    assert report.is_refused


def test_a_float_operator_falls_back_with_all_behind_it(float_inside: Path) -> None:
    report = check(float_inside, CORAL)
    kinds = [row.operator for row in report.rows]
    assert {"DEQUANTIZE", "CUMSUM", "QUANTIZE"} <= set(kinds)
    first = kinds.index("DEQUANTIZE")
    assert {row.place for row in report.rows[:first]} == {Place.ACCELERATOR}
    assert {row.place for row in report.rows[first:]} == {Place.CPU}
    cumulative = report.rows[kinds.index("CUMSUM")]
    assert "8-bit data only" in cumulative.reason
    assert "float32" in cumulative.reason
    assert not report.is_refused


def test_a_float_model_is_refused_as_a_whole(float_model: Path) -> None:
    report = check(float_model, CORAL)
    (reason,) = reasons(report, Level.REFUSED)
    assert "not quantized" in reason
    assert Place.ACCELERATOR not in {row.place for row in report.rows}


def test_float_bounds_run_on_the_cpu_without_those_between_them(save: Callable) -> None:
    report = check(save("bounds.tflite", quantized(u_net(), bounds="float32")), CORAL)
    found = {row.operator: row.place for row in report.rows}
    assert found.pop("QUANTIZE") == found.pop("DEQUANTIZE") == Place.CPU
    assert set(found.values()) == {Place.ACCELERATOR}


def test_uint8_bounds_are_mapped(uint8_bounds: Path) -> None:
    report = check(uint8_bounds, CORAL)
    assert [row.operator for row in report.rows].count("QUANTIZE") == 2
    assert report.is_mapped


def test_weights_per_tensor_run_with_a_warning(save: Callable) -> None:
    report = check(save("tensor.tflite", quantized(u_net(), per_channel=False)), CORAL)
    convolutions, transposed = reasons(report, Level.WARNING)
    assert "one a channel is more accurate" in convolutions
    assert "one a channel is more accurate" in transposed
    assert "for 8 channels" in convolutions + transposed
    assert report.is_mapped


def test_more_parameters_than_the_chip_holds_are_a_warning(
    save: Callable, plain_content: bytes
) -> None:
    def enlarge(model: schema.ModelT) -> None:
        (convolution, *_) = operators_of(model, BUILTIN.CONV_2D)
        weights = model.subgraphs[0].tensors[convolution.inputs[1]]
        model.buffers[weights.buffer].data = np.zeros(9_000_000, np.uint8)

    report = check(save("large.tflite", edited(plain_content, enlarge)), CORAL)
    (reason,) = reasons(report, Level.WARNING)
    assert "8 MB" in reason
    assert "9,0" in reason
    assert report.is_mapped


def test_a_version_that_came_after_the_compiler_is_refused(
    save: Callable, plain_content: bytes
) -> None:
    def renew(model: schema.ModelT) -> None:
        (convolution, *_) = operators_of(model, BUILTIN.CONV_2D)
        model.operatorCodes[convolution.opcodeIndex].version = 6

    report = check(save("new.tflite", edited(plain_content, renew)), CORAL)
    assert places(report)["CONV_2D"] == {Place.REFUSED}
    assert report.summary.startswith("coral does not take this file")


def test_an_operator_that_came_after_the_compiler_is_refused(
    save: Callable, plain_content: bytes
) -> None:
    def replace(model: schema.ModelT) -> None:
        (concatenation,) = operators_of(model, BUILTIN.CONCATENATION)
        code = model.operatorCodes[concatenation.opcodeIndex]
        code.builtinCode = BUILTIN.GELU
        concatenation.builtinOptions = None
        concatenation.builtinOptionsType = 0

    report = check(save("gelu.tflite", edited(plain_content, replace)), CORAL)
    assert places(report)["GELU"] == {Place.REFUSED}


def test_a_fused_activation_where_none_may_be_falls_back(
    save: Callable, plain_content: bytes
) -> None:
    def fuse(model: schema.ModelT) -> None:
        (concatenation,) = operators_of(model, BUILTIN.CONCATENATION)
        activation = schema.ActivationFunctionType.RELU
        concatenation.builtinOptions.fusedActivationFunction = activation

    report = check(save("fused.tflite", edited(plain_content, fuse)), CORAL)
    (row,) = [row for row in report.rows if row.operator == "CONCATENATION"]
    assert row.place == Place.CPU
    assert "no fused activation" in row.reason


def test_a_batch_of_two_falls_back(save: Callable, plain_content: bytes) -> None:
    def double(model: schema.ModelT) -> None:
        for tensor in model.subgraphs[0].tensors:
            if len(tensor.shape) == 4 and tensor.shape[0] == 1:
                tensor.shape = np.array([2, *tensor.shape[1:]], np.int32)
                tensor.shapeSignature = None

    report = check(save("two.tflite", edited(plain_content, double)), CORAL)
    assert Place.ACCELERATOR not in {row.place for row in report.rows}
    assert "innermost" in report.rows[0].reason


def test_computed_weights_fall_back(save: Callable, plain_content: bytes) -> None:
    def compute(model: schema.ModelT) -> None:
        (convolution, *_) = operators_of(model, BUILTIN.CONV_2D)
        model.subgraphs[0].tensors[convolution.inputs[1]].buffer = 0

    report = check(save("computed.tflite", edited(plain_content, compute)), CORAL)
    assert "must be constant" in report.rows[0].reason


def test_a_file_compiled_already_is_no_input(save: Callable, plain_content: bytes) -> None:
    def compile_it(model: schema.ModelT) -> None:
        (concatenation,) = operators_of(model, BUILTIN.CONCATENATION)
        code = model.operatorCodes[concatenation.opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = BUILTIN.CUSTOM
        code.customCode = b"edgetpu-custom-op"
        concatenation.builtinOptions = None
        concatenation.builtinOptionsType = 0

    path = save("compiled_edgetpu.tflite", edited(plain_content, compile_it))
    with pytest.raises(UserError, match="already compiled for coral"):
        check(path, CORAL)


def test_a_second_graph_is_named_as_unchecked(save: Callable, plain_content: bytes) -> None:
    report = check(
        save("twice.tflite", edited(plain_content, lambda m: m.subgraphs.append(m.subgraphs[0]))),
        CORAL,
    )
    assert any("only the first graph" in reason for reason in reasons(report, Level.WARNING))
