"""Limits of operators that our own models do not reach, on operators made by hand."""

from typing import Any

import numpy as np
import pytest

from ganad_tf.targets import operator_checks as checks
from ganad_tf.targets.graph import Operator, Quantization, Tensor


def data(*shape: int | None, dtype: str = "int8") -> Tensor:
    return Tensor("data", shape, dtype)


def constant(value: Any, zero_point: int = 0) -> Tensor:
    array = np.asarray(value, np.int32)
    quantization = Quantization(1, (zero_point,), 0)
    return Tensor(
        "constant", array.shape, "int32", is_constant=True, value=array, quantization=quantization
    )


def operator(kind: str, *inputs: Tensor, output: Tensor | None = None, **options: Any) -> Operator:
    return Operator(kind, 1, inputs, (output or data(1, 8, 8, 4),), options)


IMAGE = data(1, 8, 8, 4)


@pytest.mark.parametrize(
    ("made", "is_found"),
    [
        (operator("MEAN", IMAGE, constant([1, 2])), False),
        (operator("MEAN", IMAGE, constant([0, 1])), True),
        (operator("SUM", IMAGE, constant([-4])), True),
        (operator("PACK", IMAGE, IMAGE, axis=1), False),
        (operator("PACK", IMAGE, IMAGE, axis=-5), True),
        (operator("SPLIT", constant(3), IMAGE), False),
        (operator("SPLIT", constant(0), IMAGE), True),
        (operator("PAD", IMAGE, constant([[0, 0], [1, 1], [1, 1], [0, 0]])), False),
        (operator("PAD", IMAGE, constant([[0, 1], [0, 0], [0, 0], [0, 0]])), True),
        (operator("TRANSPOSE", IMAGE, constant([0, 3, 1, 2])), False),
        (operator("TRANSPOSE", IMAGE, constant([3, 1, 2, 0])), True),
    ],
)
def test_changes_of_the_batch_are_found(made: Operator, is_found: bool) -> None:
    assert bool(checks.changes_the_batch(made)) == is_found


def test_reductions_along_other_axes_are_found() -> None:
    assert checks.has_axes_besides(operator("MEAN", IMAGE, constant([1, 2])), 1, 2) is None
    assert checks.has_axes_besides(operator("MEAN", IMAGE, constant([-1])), 1, 2)


def test_reductions_over_channels_need_a_multiple() -> None:
    over_channels = constant([3])
    assert checks.reduces_channels_not_by(operator("MEAN", IMAGE, over_channels), 4) is None
    odd = operator("MEAN", data(1, 8, 8, 6), over_channels)
    assert checks.reduces_channels_not_by(odd, 4) == "6 channels"
    over_image = operator("MEAN", data(1, 8, 8, 6), constant([1, 2]))
    assert checks.reduces_channels_not_by(over_image, 4) is None


def test_constants_in_a_concatenation_are_found_unless_they_are_padding() -> None:
    zeros, ones = constant(np.zeros((1, 8, 8, 4))), constant(np.ones((1, 8, 8, 4)))
    assert checks.concatenates_a_constant(operator("CONCATENATION", IMAGE, IMAGE)) is None
    assert checks.concatenates_a_constant(operator("CONCATENATION", IMAGE, zeros)) is None
    assert checks.concatenates_a_constant(operator("CONCATENATION", IMAGE, ones))
    assert checks.concatenates_a_constant(operator("CONCATENATION", IMAGE, IMAGE, zeros))
    shifted = constant(np.full((1, 8, 8, 4), -128), zero_point=-128)
    assert checks.concatenates_a_constant(operator("CONCATENATION", IMAGE, shifted)) is None


def test_strides_and_masks_are_found() -> None:
    begin, end = constant([0, 0, 0, 0]), constant([1, 4, 4, 4])
    plain = operator("STRIDED_SLICE", IMAGE, begin, end, constant([1, 1, 1, 1]))
    assert checks.has_strides_or_masks(plain) is None
    strided = operator("STRIDED_SLICE", IMAGE, begin, end, constant([1, 2, 2, 1]))
    assert checks.has_strides_or_masks(strided)
    masked = operator("STRIDED_SLICE", *plain.inputs, newAxisMask=1)
    assert checks.has_strides_or_masks(masked)


def test_long_vectors_and_pictures_are_found() -> None:
    for shape, is_found in (((1, 10), False), ((1, 16001), True), ((1, 8, 8, 4), True)):
        softmax = operator("SOFTMAX", data(*shape), output=data(*shape))
        assert bool(checks.has_longer_vector_than(softmax, 16000)) == is_found


def test_dilations_outputs_and_weight_formats_are_found() -> None:
    dilated = operator("CONV_2D", IMAGE, dilationHFactor=2, dilationWFactor=1)
    assert checks.has_two_dilations(dilated) == "they are 2 and 1"
    assert checks.has_two_dilations(operator("CONV_2D", IMAGE)) is None
    vector, picture = (operator("FULLY_CONNECTED", output=data(*s)) for s in ((1, 10), (8, 10)))
    assert checks.has_output_that_is_no_vector(vector) is None
    assert checks.has_output_that_is_no_vector(picture) == "it is 8x10"
    assert checks.has_shuffled_weights(operator("FULLY_CONNECTED", weightsFormat=1))
    assert checks.has_shuffled_weights(vector) is None


def test_counts_of_inputs_are_found() -> None:
    assert checks.has_input_count_outside(operator("CONCATENATION", *[IMAGE] * 4), 2, 4) is None
    assert checks.has_input_count_outside(operator("CONCATENATION", *[IMAGE] * 5), 2, 4)


def test_depthwise_weights_have_their_channels_last() -> None:
    weights = Tensor(
        "w", (1, 3, 3, 8), "int8", is_constant=True, quantization=Quantization(1, (0,), 3)
    )
    found = checks.has_weights_per_tensor(operator("DEPTHWISE_CONV_2D", IMAGE, weights))
    assert found == "w has one for 8 channels"
    assert checks.has_weights_per_tensor(operator("CONV_2D", IMAGE, weights)) is None
