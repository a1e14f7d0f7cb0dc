"""The generator as an ONNX file: float, Q/DQ for onnxruntime, or Q/DQ for TensorRT.

Images come and go as `(1, height, width, channels)` as on every other target; inside they are
`(1, channels, height, width)`, the layout of ONNX.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ganad_tf.exporting.onnx.graph import FLOAT16, FLOAT32, UINT8, Graph
from ganad_tf.exporting.quantization.folding import FoldedLayer
from ganad_tf.exporting.quantization.levels import QuantizedLayer
from ganad_tf.exporting.quantization.twin import CONCATENATED, DECODER, ENCODER
from ganad_tf.models.halving import STRIDE

PIXEL_LEVELS = 255
MIDDLE_LEVEL = 128
PADDING = [1, 1, 1, 1]
TO_ONNX, FROM_ONNX = [0, 3, 1, 2], [0, 2, 3, 1]
SKIPS = dict(CONCATENATED)

Convolve = Callable[[str, str], str]
"""From the name of a layer and of its input to its output, the ReLU included."""


def convert_float_to_onnx(
    folded: list[FoldedLayer], image_shape: tuple[int, int, int], is_half: bool
) -> bytes:
    """Write the folded generator with float32 images in [0, 1] as input and output.

    Args:
        folded: The layers from `fold_generator`.
        image_shape: Height, width and channels.
        is_half: Whether weights and arithmetic are float16.
    """
    layers = {layer.name: layer for layer in folded}
    graph = Graph(FLOAT32, (1, *image_shape))
    dtype = np.float16 if is_half else np.float32

    def convolve(name: str, maps: str) -> str:
        layer = layers[name]
        kernel = graph.constant(f"{name}_kernel", _to_onnx_layout(layer.kernel).astype(dtype))
        bias = graph.constant(f"{name}_bias", layer.bias.astype(dtype))
        return _relu(graph, name, _convolution(graph, name, maps, kernel, bias, PADDING))

    maps = graph.node("Transpose", "planes", graph.input, perm=TO_ONNX)
    if is_half:
        maps = graph.node("Cast", "half_planes", maps, to=FLOAT16)
    maps = _generator(graph, convolve, maps)
    if is_half:
        maps = graph.node("Cast", "float_planes", maps, to=FLOAT32)
    return graph.finish("Transpose", maps, perm=FROM_ONNX)


def convert_to_onnx(layers: list[QuantizedLayer], image_shape: tuple[int, int, int]) -> bytes:
    """Write a generator quantized asymmetrically, uint8 pixels in and out, for onnxruntime.

    All activations start at 0, so uint8 with the zero point 0 has all 256 levels for them. The
    kernels are uint8 with the zero point 128: onnxruntime's kernels for uint8 activations and
    int8 weights overflow their 16-bit sums on x86-64 without VNNI (its documentation, "Quantize
    ONNX models", on U8S8).

    Args:
        layers: The layers from `quantized_layers`.
        image_shape: Height, width and channels.
    """
    by_name = {layer.name: layer for layer in layers}
    graph = Graph(UINT8, (1, *image_shape))
    zero = graph.constant("zero", np.uint8(0))

    def convolve(name: str, maps: str) -> str:
        layer = by_name[name]
        kernel = _stored_kernel(graph, layer)
        bias = graph.constant(f"{name}_bias", layer.bias)
        maps = _relu(graph, name, _convolution(graph, name, maps, kernel, bias, PADDING))
        scale = graph.constant(f"{name}_scale", np.float32(layer.output_scale))
        levels = graph.node("QuantizeLinear", f"{name}_levels", maps, scale, zero)
        if name == DECODER[-1]:
            return levels
        return graph.node("DequantizeLinear", f"{name}_values", levels, scale, zero)

    levels = graph.node("Transpose", "planes", graph.input, perm=TO_ONNX)
    scale = graph.constant("image_scale", np.float32(1 / PIXEL_LEVELS))
    maps = graph.node("DequantizeLinear", "image_values", levels, scale, zero)
    maps = _generator(graph, convolve, maps)
    return graph.finish("Transpose", maps, perm=FROM_ONNX)


def convert_to_tensorrt_onnx(
    layers: list[QuantizedLayer], image_shape: tuple[int, int, int]
) -> bytes:
    """Write a generator quantized symmetrically, uint8 pixels in and out, for TensorRT.

    Every zero point is 0. For pixels to be exact all the same, the first and the last layer
    work on the pixel minus 128, at one level a pixel level; their kernels and biases are
    adapted, and the padding, which is black, is put on before 128 is taken off. Kernels are
    float with Q/DQ on them, because TensorRT takes integer ones from version 10 on only.

    Args:
        layers: The layers from `quantized_layers`.
        image_shape: Height, width and channels.
    """
    by_name = {layer.name: layer for layer in layers}
    graph = Graph(UINT8, (1, *image_shape))
    zero = graph.constant("zero", np.int8(0))

    def convolve(name: str, maps: str) -> str:
        layer, padding = by_name[name], PADDING
        value, bias, scale = np.float32(1), layer.bias, layer.output_scale
        if name == ENCODER[0]:
            # conv(x) = conv(x - c) + c * sum(kernel), x in [0, 1] and c = 128 / 255
            value, padding = np.float32(1 / PIXEL_LEVELS), [0, 0, 0, 0]
            bias = bias + layer.kernel.sum(axis=(0, 1, 2)) * (MIDDLE_LEVEL / PIXEL_LEVELS)
        if name == DECODER[-1]:
            value, bias = np.float32(PIXEL_LEVELS), bias * PIXEL_LEVELS - MIDDLE_LEVEL
            scale = 1.0
        kernel = _fake_quantized_kernel(graph, layer, value, zero)
        bias_name = graph.constant(f"{name}_bias", bias.astype(np.float32))
        maps = _relu(graph, name, _convolution(graph, name, maps, kernel, bias_name, padding))
        return _quantize_dequantize(graph, name, maps, np.float32(scale), zero)

    middle = graph.constant("middle", np.float32(MIDDLE_LEVEL))
    maps = graph.node("Cast", "values", graph.input, to=FLOAT32)
    maps = graph.node("Transpose", "planes", maps, perm=TO_ONNX)
    pads = graph.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    maps = graph.node("Pad", "padded", maps, pads, graph.constant("black", np.float32(0)))
    maps = graph.node("Sub", "centered", maps, middle)
    maps = _quantize_dequantize(graph, "image", maps, np.float32(1), zero)
    maps = graph.node("Add", "shifted_back", _generator(graph, convolve, maps), middle)
    maps = graph.node("Transpose", "pixel_values", maps, perm=FROM_ONNX)
    return graph.finish("Cast", maps, to=UINT8)


def _generator(graph: Graph, convolve: Convolve, maps: str) -> str:
    outputs = {}
    for name in ENCODER:
        outputs[name] = maps = convolve(name, maps)
    for name in DECODER:
        maps = convolve(name, maps)
        if name in SKIPS:
            maps = graph.node("Concat", f"{name}_skip", maps, outputs[SKIPS[name]], axis=1)
    return maps


def _convolution(
    graph: Graph, name: str, maps: str, kernel: str, bias: str, padding: list[int]
) -> str:
    kind = "Conv" if name in ENCODER else "ConvTranspose"
    strides = [STRIDE, STRIDE]
    return graph.node(kind, name, maps, kernel, bias, strides=strides, pads=padding)


def _relu(graph: Graph, name: str, maps: str) -> str:
    return maps if name == DECODER[-1] else graph.node("Relu", f"{name}_relu", maps)


def _to_onnx_layout(kernel: NDArray) -> NDArray:
    """Turn `(4, 4, in, out)` to `(out, in, 4, 4)`, or `(4, 4, out, in)` to `(in, out, 4, 4)`."""
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _stored_kernel(graph: Graph, layer: QuantizedLayer) -> str:
    name, scales = layer.name, layer.kernel_scales
    levels = _to_onnx_layout(layer.levels).astype(np.int16) + MIDDLE_LEVEL
    return graph.node(
        "DequantizeLinear",
        f"{name}_kernel",
        graph.constant(f"{name}_kernel_levels", levels.astype(np.uint8)),
        graph.constant(f"{name}_kernel_scale", scales),
        graph.constant(f"{name}_kernel_zero", np.full(scales.shape, MIDDLE_LEVEL, np.uint8)),
        axis=0,
    )


def _fake_quantized_kernel(graph: Graph, layer: QuantizedLayer, unit: np.float32, zero: str) -> str:
    name, scales = layer.name, (layer.kernel_scales * unit).astype(np.float32)
    if scales.shape:
        zero = graph.constant(f"{name}_kernel_zero", np.zeros(scales.shape, np.int8))
    scale = graph.constant(f"{name}_kernel_scale", scales)
    kernel = _to_onnx_layout(layer.levels * scales).astype(np.float32)
    values = graph.constant(f"{name}_kernel_values", kernel)
    levels = graph.node("QuantizeLinear", f"{name}_kernel_levels", values, scale, zero, axis=0)
    return graph.node("DequantizeLinear", f"{name}_kernel", levels, scale, zero, axis=0)


def _quantize_dequantize(graph: Graph, name: str, maps: str, scale: np.float32, zero: str) -> str:
    scale_name = graph.constant(f"{name}_scale", scale)
    levels = graph.node("QuantizeLinear", f"{name}_levels", maps, scale_name, zero)
    return graph.node("DequantizeLinear", f"{name}_values", levels, scale_name, zero)
