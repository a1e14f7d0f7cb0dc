"""Reading an ONNX file into a `Graph`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganad_tf.targets.graph import Graph, Operator, Quantization, Tensor

if TYPE_CHECKING:
    import onnx

STANDARD_DOMAINS = ("", "ai.onnx")
QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
DEFAULT_AXIS = 1
TYPE_NAMES = {"float": "float32", "double": "float64", "undefined": ""}


def read_onnx(path: Path) -> Graph:
    """Read an ONNX file.

    Raises:
        Exception: Of any type, if the file is damaged or is not an ONNX file.
    """
    import onnx

    model = onnx.load(path)
    if not model.graph.node:
        raise ValueError("it has no operators")
    return _Reader(onnx.shape_inference.infer_shapes(model)).graph()


class _Reader:
    """Propagates constants and quantization from node to node.

    Args:
        model: A model with inferred shapes.
    """

    def __init__(self, model: "onnx.ModelProto") -> None:
        self._model = model
        main = model.graph
        ends = {value.name for value in (*main.input, *main.output)}
        values = (*main.value_info, *main.output, *main.input)
        self._tensors = {value.name: _declared(value, value.name in ends) for value in values}
        self._tensors |= {constant.name: _constant(constant) for constant in main.initializer}

    def graph(self) -> Graph:
        main = self._model.graph
        constants = {constant.name for constant in main.initializer}
        operators = [self._operator(node) for node in main.node]
        return Graph(
            format="onnx",
            operators=operators,
            inputs=[self._tensors[i.name] for i in main.input if i.name not in constants],
            outputs=[self._tensors[output.name] for output in main.output],
            opset=max(
                (o.version for o in self._model.opset_import if o.domain in STANDARD_DOMAINS),
                default=0,
            ),
            parameter_bytes=sum(
                tensor.value.nbytes for tensor in self._tensors.values() if tensor.value is not None
            ),
            unchecked_subgraphs=sum(_has_body(node) for node in main.node),
        )

    def _operator(self, node: "onnx.NodeProto") -> Operator:
        import onnx

        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = tuple(self._tensor(name) if name else None for name in node.input)
        for name in node.output:
            self._tensors[name] = self._output(node, name, inputs, options)
        is_standard = node.domain in STANDARD_DOMAINS
        return Operator(
            kind=node.op_type if is_standard else f"{node.domain}::{node.op_type}",
            version=0,
            inputs=inputs,
            outputs=tuple(self._tensors[name] for name in node.output if name),
            options=options,
        )

    def _tensor(self, name: str) -> Tensor:
        return self._tensors.setdefault(name, Tensor(name, None, ""))

    def _output(
        self,
        node: "onnx.NodeProto",
        name: str,
        inputs: tuple[Tensor | None, ...],
        options: dict[str, Any],
    ) -> Tensor:
        declared = self._tensor(name)
        if node.op_type == "Constant" and "value" in options:
            return _constant(options["value"], name)
        given = [tensor for tensor in inputs if tensor is not None]
        if node.op_type not in (QUANTIZE, DEQUANTIZE) or len(given) < 2:
            return declared
        return Tensor(
            name,
            declared.shape,
            declared.dtype,
            is_constant=all(tensor.is_constant for tensor in given),
            is_end=declared.is_end,
            quantization=_quantization(inputs, options),
        )


def _declared(value: "onnx.ValueInfoProto", is_end: bool) -> Tensor:
    import onnx

    kind = value.type.tensor_type
    shape = None
    if kind.HasField("shape"):
        shape = tuple(
            d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None
            for d in kind.shape.dim
        )
    dtype = _type_name(onnx.TensorProto.DataType.Name(kind.elem_type))
    return Tensor(value.name, shape, dtype, is_end=is_end)


def _constant(constant: "onnx.TensorProto", name: str = "") -> Tensor:
    import onnx

    return Tensor(
        name or constant.name,
        tuple(constant.dims),
        _type_name(onnx.TensorProto.DataType.Name(constant.data_type)),
        is_constant=True,
        value=onnx.numpy_helper.to_array(constant),
    )


def _quantization(
    inputs: tuple[Tensor | None, ...], options: dict[str, Any]
) -> Quantization | None:
    scale = inputs[1]
    zero_point = inputs[2] if len(inputs) > 2 else None
    if scale is None or scale.value is None:
        return None
    points = () if zero_point is None or zero_point.value is None else zero_point.value.flat
    axis = options.get("axis", DEFAULT_AXIS)
    data = inputs[0]
    if axis < 0 and data is not None and data.shape is not None:
        axis += len(data.shape)
    return Quantization(scale.value.size, tuple(int(point) for point in points), axis)


def _type_name(onnx_name: str) -> str:
    return TYPE_NAMES.get(onnx_name.lower(), onnx_name.lower())


def _has_body(node: "onnx.NodeProto") -> bool:
    return any(attribute.HasField("g") for attribute in node.attribute)
