"""Checks of one operator, named by profiles; each returns its finding in words, or None.

The first argument is the operator, the others are the `values` of the rule in the profile.
Positions of inputs are those in the operator definitions of TFLite and ONNX.
"""

from collections.abc import Callable

import numpy as np

from ganad_tf.targets.graph import EIGHT_BITS, Operator, Tensor

REAL = ("float32", "float16")
DATA_INPUT = {"TRANSPOSE_CONV": 2, "SPLIT": 1}
WEIGHTS_INPUT = 1
ACTIVATION = "fusedActivationFunction"


def is_there(operator: Operator) -> str | None:
    """Find every operator that the rule applies to."""
    name = operator.outputs[0].name if operator.outputs else ""
    return name or operator.kind


def has_other_activation_than(operator: Operator, *allowed: str) -> str | None:
    """Find a fused activation that is not one of `allowed`."""
    activation = operator.options.get(ACTIVATION, "NONE")
    return None if activation in allowed else f"it is {activation}"


def has_other_types_than(operator: Operator, *allowed: str) -> str | None:
    """Find data (neither constants nor states) of a type that is not one of `allowed`."""
    others = [tensor for tensor in operator.data if tensor.dtype not in (*allowed, "")]
    return f"{others[0].name} is {others[0].dtype}" if others else None


def has_more_dimensions_than(operator: Operator, count: int) -> str | None:
    """Find data with a size above 1 outside its innermost `count` dimensions."""
    for tensor in operator.data:
        if any(size is not None and size > 1 for size in (tensor.shape or ())[:-count]):
            return f"{tensor.name} is {tensor.size}"
    return None


def has_computed_parameter(operator: Operator) -> str | None:
    """Find an input besides the data that is not constant."""
    data = DATA_INPUT.get(operator.kind, 0)
    for index, tensor in enumerate(operator.inputs):
        if index != data and tensor is not None and not tensor.is_constant:
            return f"{tensor.name} is computed"
    return None


def has_two_dilations(operator: Operator) -> str | None:
    """Find dilations that differ in height and width."""
    height, width = (operator.options.get(f"dilation{side}Factor", 1) for side in "HW")
    return None if height == width else f"they are {height} and {width}"


def concatenates_a_constant(operator: Operator) -> str | None:
    """Find a constant among the inputs, unless there are two and it stands for zeros."""
    constants = [tensor for tensor in operator.inputs if tensor and tensor.is_constant]
    if not constants or (len(operator.inputs) == 2 and all(map(_stands_for_zeros, constants))):
        return None
    return f"{constants[0].name} is constant"


def has_input_count_outside(operator: Operator, lowest: int, highest: int) -> str | None:
    """Find a number of inputs that is not between `lowest` and `highest`."""
    count = len(operator.inputs)
    return None if lowest <= count <= highest else f"it has {count}"


def changes_the_batch(operator: Operator) -> str | None:
    """Find an operator that reduces, pads, splits or permutes the batch dimension."""
    return "it works along dimension 0" if 0 in _axes(operator) else None


def has_axes_besides(operator: Operator, *allowed: int) -> str | None:
    """Find a reduction along a dimension that is not one of `allowed`."""
    others = sorted(_axes(operator) - set(allowed))
    return f"it reduces along dimension {others[0]}" if others else None


def reduces_channels_not_by(operator: Operator, multiple: int) -> str | None:
    """Find a reduction along channels whose number is not a multiple of `multiple`."""
    data = operator.input(0)
    if data is None or not data.shape or len(data.shape) - 1 not in _axes(operator):
        return None
    channels = data.shape[-1]
    return f"{channels} channels" if channels is None or channels % multiple else None


def has_slope_with_dimensions(operator: Operator) -> str | None:
    """Find a slope of PReLU that varies along another dimension than the channels."""
    slope = operator.input(1)
    is_flat = slope is None or all(size == 1 for size in (slope.shape or ())[:-1])
    return None if is_flat or slope is None else f"it is {slope.size}"


def has_longer_vector_than(operator: Operator, limit: int) -> str | None:
    """Find data that is not a vector of at most `limit` values."""
    for tensor in operator.data:
        sizes = [size for size in tensor.shape or () if size is not None]
        if any(size > 1 for size in sizes[:-1]) or (sizes and sizes[-1] > limit):
            return f"{tensor.name} is {tensor.size}"
    return None


def has_output_that_is_no_vector(operator: Operator) -> str | None:
    """Find an output with several sizes above 1."""
    output = operator.outputs[0]
    is_vector = sum(size != 1 for size in output.shape or ()) <= 1
    return None if is_vector else f"it is {output.size}"


def has_shuffled_weights(operator: Operator) -> str | None:
    """Find weights of a fully connected layer that are not in the default format."""
    return "they are shuffled" if operator.options.get("weightsFormat", 0) else None


def has_strides_or_masks(operator: Operator) -> str | None:
    """Find a strided slice with a stride other than 1, or with a mask of ellipses or new axes."""
    strides = operator.input(3)
    if strides is None or strides.value is None or (strides.value != 1).any():
        return "a stride is not 1"
    masks = [operator.options.get(name, 0) for name in ("ellipsisMask", "newAxisMask")]
    return "a mask of ellipses or new axes is set" if any(masks) else None


def changes_signedness(operator: Operator) -> str | None:
    """Find a conversion between int8 and uint8."""
    types = [tensor.dtype for tensor in operator.data]
    return " to ".join(types) if set(types) == set(EIGHT_BITS) else None


def has_weights_per_tensor(operator: Operator) -> str | None:
    """Find quantized weights with one scale for several channels."""
    weights = operator.input(WEIGHTS_INPUT)
    if weights is None or weights.quantization is None or weights.quantization.is_per_channel:
        return None
    channels = _output_channels(operator, weights)
    return f"{weights.name} has one for {channels} channels" if channels > 1 else None


def has_quantized_weights(operator: Operator) -> str | None:
    """Find quantized weights."""
    weights = operator.input(WEIGHTS_INPUT)
    if weights is None or weights.quantization is None:
        return None
    return weights.name or operator.kind


def has_weight_scales_along_other_than(operator: Operator, axis: int) -> str | None:
    """Find weights whose scales differ along another dimension than `axis`."""
    weights = operator.input(WEIGHTS_INPUT)
    if weights is None or weights.quantization is None or not weights.quantization.is_per_channel:
        return None
    actual = weights.quantization.axis
    return None if actual == axis else f"{weights.name} has them along dimension {actual}"


def has_zero_point(operator: Operator) -> str | None:
    """Find a zero point that is not 0 in an operator that quantizes or dequantizes."""
    quantization = operator.outputs[0].quantization
    points = [point for point in (quantization.zero_points if quantization else ()) if point]
    return f"{operator.outputs[0].name} has {points[0]}" if points else None


def has_other_levels_than(operator: Operator, *allowed: str) -> str | None:
    """Find a QuantizeLinear or DequantizeLinear whose integers are not of an `allowed` type."""
    is_quantize = operator.kind == "QuantizeLinear"
    levels = operator.outputs[0] if is_quantize else operator.input(0)
    if levels is None or levels.dtype in (*allowed, ""):
        return None
    return f"{levels.name} is {levels.dtype}"


def has_uint8_inside(operator: Operator) -> str | None:
    """Find uint8 that is not an input or output of the model, or is not cast from or to a float."""
    pixels = [tensor for tensor in operator.data if tensor.dtype == "uint8"]
    inside = [tensor for tensor in pixels if not tensor.is_end]
    if inside:
        return f"{inside[0].name} is uint8"
    types = {tensor.dtype for tensor in operator.data} - {"uint8", ""}
    is_cast = operator.kind == "Cast" and types <= {*REAL}
    return None if not pixels or is_cast else f"{pixels[0].name} is uint8"


def _stands_for_zeros(tensor: Tensor) -> bool:
    points = tensor.quantization.zero_points if tensor.quantization else ()
    zero = points[0] if points else 0
    return tensor.value is not None and bool((tensor.value == zero).all())


def _output_channels(operator: Operator, weights: Tensor) -> int:
    # TFLite has them first, last for depthwise; ONNX second for ConvTranspose.
    position = {"DEPTHWISE_CONV_2D": -1, "ConvTranspose": 1}.get(operator.kind, 0)
    sizes = weights.shape or ()
    return sizes[position] or 1 if len(sizes) > 1 else 1


def _axes(operator: Operator) -> set[int]:
    """Return the dimensions that an operator reduces, pads, splits or permutes."""
    data = operator.input(DATA_INPUT.get(operator.kind, 0))
    rank = len(data.shape) if data is not None and data.shape is not None else 0
    if operator.kind == "PACK":
        return {operator.options["axis"] % (rank + 1)}
    parameter = operator.input(0 if operator.kind == "SPLIT" else 1)
    if parameter is None or parameter.value is None:
        return set()
    values = parameter.value
    if operator.kind == "PAD":
        return {int(axis) for axis in np.flatnonzero(values.any(axis=1))}
    if operator.kind == "TRANSPOSE":
        return {axis for axis, old in enumerate(values.flat) if axis != old}
    return {int(axis) % rank for axis in values.flat} if rank else set()


OPERATOR_CHECKS: dict[str, Callable[..., str | None]] = {
    check.__name__: check
    for check in (
        is_there,
        has_other_activation_than,
        has_other_types_than,
        has_more_dimensions_than,
        has_computed_parameter,
        has_two_dilations,
        concatenates_a_constant,
        has_input_count_outside,
        changes_the_batch,
        has_axes_besides,
        reduces_channels_not_by,
        has_slope_with_dimensions,
        has_longer_vector_than,
        has_output_that_is_no_vector,
        has_shuffled_weights,
        has_strides_or_masks,
        changes_signedness,
        has_weights_per_tensor,
        has_quantized_weights,
        has_weight_scales_along_other_than,
        has_zero_point,
        has_other_levels_than,
        has_uint8_inside,
    )
}
