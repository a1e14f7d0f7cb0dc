"""Lowering of operator versions in a TFLite file, for older compilers and runtimes.

TensorFlow writes TRANSPOSE_CONV version 4 if a ReLU is fused into it. edgetpu_compiler 16.0
and runtimes before TensorFlow 2.13 support version 3 at most (google-coral/edgetpu issue 845).
If the zero point of the int8 output is -128, its smallest value represents 0. Saturation then does
the same as the ReLU, so the fused ReLU can be dropped without changing a bit of the output.
"""

import tempfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ganad_station.runtimes.litert import LiteRtModel

FILE_IDENTIFIER = b"TFL3"
WITHOUT_FUSED_ACTIVATION = 3
LOWEST_INT8 = -128


def lower_transposed_convolutions(content: bytes) -> bytes:
    """Drop the fused ReLU of transposed convolutions if saturation does the same.

    Args:
        content: A full-int8 `.tflite` file.

    Returns:
        The file with every TRANSPOSE_CONV at version 3 and bit-identical output, or the
        unchanged file if one of them has an activation that cannot be dropped.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    convolutions = [
        (operator, subgraph.tensors[operator.outputs[0]])
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        if _is_transposed_convolution(model.operatorCodes[operator.opcodeIndex])
    ]
    if not all(_saturates_like_its_activation(*pair) for pair in convolutions):
        return content
    for operator, _ in convolutions:
        operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE
        code = model.operatorCodes[operator.opcodeIndex]
        code.version = min(code.version, WITHOUT_FUSED_ACTIVATION)
    return to_file(model)


def to_file(model: schema.ModelT) -> bytes:
    """Return the content of the `.tflite` file of a model."""
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def is_bit_identical(content: bytes, other: bytes, images: NDArray[np.uint8]) -> bool:
    """Return whether the outputs of two int8 files are bit-identical.

    Args:
        content: Content of a `.tflite` file.
        other: Content of the `.tflite` file to compare with.
        images: uint8 `(count, height, width, channels)`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        path.write_bytes(content)
        first = LiteRtModel(path)
        path.unlink()
        path.write_bytes(other)
        second = LiteRtModel(path)
        return all(
            np.array_equal(first.reconstruct_one(image), second.reconstruct_one(image))
            for image in images
        )


def _is_transposed_convolution(code: schema.OperatorCodeT) -> bool:
    return schema.BuiltinOperator.TRANSPOSE_CONV in (code.builtinCode, code.deprecatedBuiltinCode)


def _saturates_like_its_activation(operator: schema.OperatorT, output: schema.TensorT) -> bool:
    activation = operator.builtinOptions.fusedActivationFunction
    if activation == schema.ActivationFunctionType.NONE:
        return True
    is_relu = activation == schema.ActivationFunctionType.RELU
    return (
        is_relu
        and output.type == schema.TensorType.INT8
        and output.quantization.zeroPoint.tolist() == [LOWEST_INT8]
    )
