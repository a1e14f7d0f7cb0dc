"""The generator as an ONNX file: float, Q/DQ for onnxruntime, or Q/DQ for TensorRT.

The input and the output are `(1, height, width, channels)` as for every other target. Inside,
feature maps are `(1, channels, height, width)`, the layout of ONNX.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ganad_tf.exporting.onnx.graph import FLOAT16, FLOAT32, UINT8, Graph
from ganad_tf.exporting.quantization.folding import FoldedLayer
from ganad_tf.exporting.quantization.levels import QuantizedLayer
from ganad_tf.models.architecture import FIRST, GENERATOR, IMAGE, LAST, STRIDE, Kind, Layer, walk

PIXEL_LEVELS = 255
MIDDLE_LEVEL = 128
PADDING = [1, 1, 1, 1]
TO_ONNX, FROM_ONNX = [0, 3, 1, 2], [0, 2, 3, 1]
OPERATORS = {Kind.HALVING: "Conv", Kind.DOUBLING: "ConvTranspose"}

WriteLayer = Callable[[Layer, str], str]
"""Adds a layer, given the name of its input, and returns the name of its output."""


def convert_float_to_onnx(
    folded: dict[str, FoldedLayer], image_shape: tuple[int, int, int], is_half: bool
) -> bytes:
    """Write the folded generator with float32 images in [0, 1] as input and output.

    Args:
        folded: The layers from `fold_generator`.
        image_shape: Height, width and channels.
        is_half: Whether weights and arithmetic are float16.

    Returns:
        The content of the `.onnx` file.
    """
    graph = Graph(FLOAT32, (1, *image_shape))
    dtype = np.float16 if is_half else np.float32

    def write_layer(layer: Layer, inputs: str) -> str:
        weights = folded[layer.name]
        kernel = _to_onnx_layout(weights.kernel).astype(dtype)
        kernel_name = graph.constant(f"{layer.name}_kernel", kernel)
        return _convolution(graph, layer, inputs, kernel_name, weights.bias.astype(dtype))

    values = graph.node("Transpose", "planes", graph.input, perm=TO_ONNX)
    if is_half:
        values = graph.node("Cast", "half_planes", values, to=FLOAT16)
    values = _generator(graph, write_layer, values)
    if is_half:
        values = graph.node("Cast", "float_planes", values, to=FLOAT32)
    return graph.finish("Transpose", values, perm=FROM_ONNX)


def convert_to_onnx(layers: dict[str, QuantizedLayer], image_shape: tuple[int, int, int]) -> bytes:
    """Write a generator quantized asymmetrically for onnxruntime, with uint8 pixels in and out.

    All activations start at 0, so uint8 with the zero point 0 gives them all 256 levels. The
    kernels are uint8 with the zero point 128, because onnxruntime's kernels for uint8 activations
    and int8 weights overflow their 16-bit sums on x86-64 without VNNI (its documentation,
    "Quantize ONNX models", on U8S8).

    Args:
        layers: The layers from `quantized_layers`.
        image_shape: Height, width and channels.

    Returns:
        The content of the `.onnx` file.
    """
    graph = Graph(UINT8, (1, *image_shape))
    zero = graph.constant("zero", np.uint8(0))

    def write_layer(layer: Layer, inputs: str) -> str:
        name, weights = layer.name, layers[layer.name]
        kernel = _stored_kernel(graph, name, weights)
        outputs = _convolution(graph, layer, inputs, kernel, weights.bias)
        scale = graph.constant(f"{name}_scale", np.float32(weights.output_scale))
        levels = graph.node("QuantizeLinear", f"{name}_levels", outputs, scale, zero)
        if layer is LAST:
            return levels
        return graph.node("DequantizeLinear", f"{name}_values", levels, scale, zero)

    levels = graph.node("Transpose", "planes", graph.input, perm=TO_ONNX)
    scale = graph.constant("image_scale", np.float32(1 / PIXEL_LEVELS))
    values = graph.node("DequantizeLinear", "image_values", levels, scale, zero)
    return graph.finish("Transpose", _generator(graph, write_layer, values), perm=FROM_ONNX)


def convert_to_tensorrt_onnx(
    layers: dict[str, QuantizedLayer], image_shape: tuple[int, int, int]
) -> bytes:
    """Write a generator quantized symmetrically for TensorRT, with uint8 pixels in and out.

    Every zero point is 0. To keep pixels exact, the first and the last layer work on the pixel
    minus 128, one level of the integers per pixel level: their kernels and biases are adapted,
    and the padding, which is black, is added before 128 is subtracted. Kernels are float with
    Q/DQ on them, because TensorRT accepts integer kernels only from version 10 on.

    Args:
        layers: The layers from `quantized_layers`.
        image_shape: Height, width and channels.

    Returns:
        The content of the `.onnx` file.
    """
    graph = Graph(UINT8, (1, *image_shape))
    zero = graph.constant("zero", np.int8(0))

    def write_layer(layer: Layer, inputs: str) -> str:
        name, weights, padding = layer.name, layers[layer.name], PADDING
        unit, bias, scale = np.float32(1), weights.bias, weights.output_scale
        if layer is FIRST:
            # conv(x) = conv(x - c) + c * sum(kernel), x in [0, 1] and c = 128 / 255
            unit, padding = np.float32(1 / PIXEL_LEVELS), [0, 0, 0, 0]
            bias = bias + weights.kernel.sum(axis=(0, 1, 2)) * (MIDDLE_LEVEL / PIXEL_LEVELS)
        if layer is LAST:
            unit, bias = np.float32(PIXEL_LEVELS), bias * PIXEL_LEVELS - MIDDLE_LEVEL
            scale = 1.0
        kernel = _fake_quantized_kernel(graph, name, weights, unit, zero)
        outputs = _convolution(graph, layer, inputs, kernel, bias.astype(np.float32), padding)
        return _quantize_dequantize(graph, name, outputs, np.float32(scale), zero)

    middle = graph.constant("middle", np.float32(MIDDLE_LEVEL))
    values = graph.node("Cast", "values", graph.input, to=FLOAT32)
    values = graph.node("Transpose", "planes", values, perm=TO_ONNX)
    pads = graph.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    values = graph.node("Pad", "padded", values, pads, graph.constant("black", np.float32(0)))
    values = graph.node("Sub", "centered", values, middle)
    values = _quantize_dequantize(graph, "image", values, np.float32(1), zero)
    values = graph.node("Add", "shifted_back", _generator(graph, write_layer, values), middle)
    values = graph.node("Transpose", "pixel_values", values, perm=FROM_ONNX)
    return graph.finish("Cast", values, to=UINT8)


def _generator(graph: Graph, write_layer: WriteLayer, image: str) -> str:
    def concatenate(layer: Layer, inputs: list[str]) -> str:
        return graph.node("Concat", layer.skip_name, *inputs, axis=1)

    return walk(GENERATOR, {IMAGE: image}, write_layer, concatenate)[LAST.name]


def _convolution(
    graph: Graph,
    layer: Layer,
    inputs: str,
    kernel: str,
    bias: NDArray,
    padding: list[int] = PADDING,
) -> str:
    """Add a convolution and its ReLU, if it has one, and return the name of the output."""
    bias_name = graph.constant(f"{layer.name}_bias", bias)
    outputs = graph.node(
        OPERATORS[layer.kind],
        layer.name,
        inputs,
        kernel,
        bias_name,
        strides=[STRIDE, STRIDE],
        pads=padding,
    )
    return graph.node("Relu", layer.activation_name, outputs) if layer.activation else outputs


def _to_onnx_layout(kernel: NDArray) -> NDArray:
    """Turn `(4, 4, in, out)` to `(out, in, 4, 4)`, or `(4, 4, out, in)` to `(in, out, 4, 4)`."""
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _stored_kernel(graph: Graph, name: str, layer: QuantizedLayer) -> str:
    scales = layer.kernel_scales
    levels = _to_onnx_layout(layer.levels).astype(np.int16) + MIDDLE_LEVEL
    return graph.node(
        "DequantizeLinear",
        f"{name}_kernel",
        graph.constant(f"{name}_kernel_levels", levels.astype(np.uint8)),
        graph.constant(f"{name}_kernel_scale", scales),
        graph.constant(f"{name}_kernel_zero", np.full(scales.shape, MIDDLE_LEVEL, np.uint8)),
        axis=0,
    )


def _fake_quantized_kernel(
    graph: Graph, name: str, layer: QuantizedLayer, unit: np.float32, zero: str
) -> str:
    scales = (layer.kernel_scales * unit).astype(np.float32)
    if scales.shape:
        zero = graph.constant(f"{name}_kernel_zero", np.zeros(scales.shape, np.int8))
    scale = graph.constant(f"{name}_kernel_scale", scales)
    kernel = _to_onnx_layout(layer.levels * scales).astype(np.float32)
    values = graph.constant(f"{name}_kernel_values", kernel)
    levels = graph.node("QuantizeLinear", f"{name}_kernel_levels", values, scale, zero, axis=0)
    return graph.node("DequantizeLinear", f"{name}_kernel", levels, scale, zero, axis=0)


def _quantize_dequantize(graph: Graph, name: str, values: str, scale: np.float32, zero: str) -> str:
    scale_name = graph.constant(f"{name}_scale", scale)
    levels = graph.node("QuantizeLinear", f"{name}_levels", values, scale_name, zero)
    return graph.node("DequantizeLinear", f"{name}_values", levels, scale_name, zero)
