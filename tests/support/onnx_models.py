"""ONNX models of one convolution up or down, quantized as asked."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 4
OPSET = 17


class Builder:
    """Nodes and constants by name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, output: str, *inputs: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def levels(self, name: str, source: str, zero_point: int, dtype: type = np.int8) -> str:
        """QuantizeLinear and DequantizeLinear, per tensor."""
        scale = self.constant(f"{name}_scale", np.float32(0.1))
        zero = self.constant(f"{name}_zero", dtype(zero_point))
        quantized = self.node("QuantizeLinear", f"{name}_levels", source, scale, zero)
        return self.node("DequantizeLinear", f"{name}_values", quantized, scale, zero)

    def model(
        self,
        opset: int,
        shape: tuple[int | str, ...],
        element: int,
        output_shape: tuple[int | str, ...],
    ) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "test",
            [helper.make_tensor_value_info("image", element, shape)],
            [helper.make_tensor_value_info("output", element, output_shape)],
            self.constants,
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10
        )


def model(
    *,
    kind: str = "Conv",
    axis: int | None = 0,
    zero_point: int = 0,
    levels: type = np.int8,
    is_quantized: bool = True,
    quantized_bias: bool = False,
    opset: int = OPSET,
    batch: int | str = 1,
    extra: str = "Relu",
    identity_after_cast: bool = False,
) -> onnx.ModelProto:
    """uint8 image, Cast, Q/DQ, a convolution with Q/DQ weights, `extra`, Cast to uint8."""
    b = Builder()
    maps = b.node("Cast", "real", "image", to=TensorProto.FLOAT)
    weights = np.ones((CHANNELS, CHANNELS, 1, 1), np.int8)
    kernel = b.constant("kernel_levels", weights.astype(np.int8 if is_quantized else np.float32))
    if is_quantized:
        maps = b.levels("image", maps, zero_point, levels)
        count = () if axis is None else (CHANNELS,)
        scale = b.constant("kernel_scale", np.full(count, 0.1, np.float32))
        zero = b.constant("kernel_zero", np.zeros(count, np.int8))
        kernel = b.node("DequantizeLinear", "kernel", kernel, scale, zero, axis=axis or 0)
    bias = b.constant("bias", np.zeros(CHANNELS, np.float32))
    if quantized_bias:
        stored = b.constant("bias_levels", np.zeros(CHANNELS, np.int32))
        bias_scale = b.constant("bias_scale", np.float32(0.01))
        bias = b.node("DequantizeLinear", "bias_values", stored, bias_scale)
    maps = b.node(kind, "maps", maps, kernel, bias)
    maps = b.node(extra, "extra", maps)
    if is_quantized:
        maps = b.levels("output", maps, 0)
    last = "pixels" if identity_after_cast else "output"
    b.node("Cast", last, maps, to=TensorProto.UINT8)
    if identity_after_cast:
        b.node("Identity", "output", "pixels")
    shape = (batch, CHANNELS, 8, 8)
    return b.model(opset, shape, TensorProto.UINT8, shape)
