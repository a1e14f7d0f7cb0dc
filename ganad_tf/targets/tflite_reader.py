"""Reading a TFLite file into a `Graph`."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ganad_tf.targets.graph import Graph, Operator, Quantization, Shape, Tensor

FILE_IDENTIFIER = b"TFL3"


def is_tflite(content: bytes) -> bool:
    """Return whether the content of a file has the identifier of TFLite."""
    return content[4:8] == FILE_IDENTIFIER


def read_tflite(content: bytes) -> Graph:
    """Read the first graph of a TFLite file.

    Raises:
        Exception: Of any type, if the content is damaged.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    main = model.subgraphs[0]
    ends = {*_list(main.inputs), *_list(main.outputs)}
    constants = _constants(model, main)
    tensors = [
        _tensor(model, tensor, index in constants, index in ends)
        for index, tensor in enumerate(_list(main.tensors))
    ]
    return Graph(
        format="tflite",
        operators=[_operator(model, operator, tensors) for operator in _list(main.operators)],
        inputs=[tensors[index] for index in _list(main.inputs)],
        outputs=[tensors[index] for index in _list(main.outputs)],
        opset=0,
        parameter_bytes=_parameter_bytes(model),
        unchecked_subgraphs=len(model.subgraphs) - 1,
    )


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


OPERATORS = _names(schema.BuiltinOperator)
TYPES = {value: name.lower() for value, name in _names(schema.TensorType).items()}
ACTIVATIONS = _names(schema.ActivationFunctionType)
UNPACKING = (schema.BuiltinOperator.DEQUANTIZE, schema.BuiltinOperator.DENSIFY)


def _constants(model: schema.ModelT, main: schema.SubGraphT) -> set[int]:
    """Return the indices of tensors with values in the file, and of those unpacked from them."""
    constants = {
        index
        for index, tensor in enumerate(_list(main.tensors))
        if _stored_bytes(model.buffers[tensor.buffer])
    }
    for operator in _list(main.operators):
        is_unpacking = _builtin(model.operatorCodes[operator.opcodeIndex]) in UNPACKING
        if is_unpacking and constants.issuperset(_list(operator.inputs)):
            constants |= {*_list(operator.outputs)}
    return constants


def _tensor(
    model: schema.ModelT, tensor: schema.TensorT, is_constant: bool, is_end: bool
) -> Tensor:
    buffer, dtype = model.buffers[tensor.buffer], TYPES[tensor.type]
    return Tensor(
        name=_text(tensor.name),
        shape=_shape(tensor),
        dtype=dtype,
        is_constant=is_constant,
        is_end=is_end,
        is_state=bool(tensor.isVariable),
        value=_value(buffer, dtype, tensor) if _has_values(buffer) else None,
        quantization=_quantization(tensor.quantization),
    )


def _shape(tensor: schema.TensorT) -> Shape:
    # For a dynamic size, `shape` has 1 and the signature has -1.
    signature = _list(tensor.shapeSignature) or _list(tensor.shape)
    return tuple(None if size < 0 else int(size) for size in signature)


def _has_values(buffer: schema.BufferT) -> bool:
    return buffer.data is not None and len(buffer.data) > 0


def _value(buffer: schema.BufferT, dtype: str, tensor: schema.TensorT) -> NDArray | None:
    try:
        return np.asarray(buffer.data, np.uint8).view(np.dtype(dtype)).reshape(_list(tensor.shape))
    except (TypeError, ValueError):
        return None  # strings, packed and sparse values


def _quantization(parameters: schema.QuantizationParametersT | None) -> Quantization | None:
    if parameters is None or not _list(parameters.scale):
        return None
    zero_points = tuple(int(point) for point in _list(parameters.zeroPoint))
    return Quantization(len(parameters.scale), zero_points, parameters.quantizedDimension)


def _operator(model: schema.ModelT, operator: schema.OperatorT, tensors: list[Tensor]) -> Operator:
    code = model.operatorCodes[operator.opcodeIndex]
    builtin = _builtin(code)
    is_custom = builtin == schema.BuiltinOperator.CUSTOM
    return Operator(
        kind=_text(code.customCode) if is_custom else OPERATORS[builtin],
        version=code.version,
        inputs=tuple(None if i < 0 else tensors[i] for i in _list(operator.inputs)),
        outputs=tuple(tensors[i] for i in _list(operator.outputs)),
        options=_options(operator),
        is_custom=is_custom,
    )


def _builtin(code: schema.OperatorCodeT) -> int:
    # Only the newer field has operators above 127.
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def _options(operator: schema.OperatorT) -> dict[str, Any]:
    options = dict(vars(operator.builtinOptions)) if operator.builtinOptions else {}
    activation = options.get("fusedActivationFunction")
    if activation is not None:
        options["fusedActivationFunction"] = ACTIVATIONS[activation]
    return options


def _parameter_bytes(model: schema.ModelT) -> int:
    used = {tensor.buffer for subgraph in model.subgraphs for tensor in _list(subgraph.tensors)}
    return sum(_stored_bytes(model.buffers[index]) for index in used)


def _stored_bytes(buffer: schema.BufferT) -> int:
    # Very large files store values after the model: then there is a size and no data.
    return len(buffer.data) if _has_values(buffer) else buffer.size


def _list(values: Any) -> Any:
    return [] if values is None else values if isinstance(values, list) else list(values)


def _text(name: bytes | str | None) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name or ""
