"""The tensors of a TFLite file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class TfliteTensor:
    """A tensor of a TFLite file.

    Attributes:
        name: Name of the tensor in the file.
        dtype: NumPy type of the values.
        is_quantized: Whether the tensor has a quantization scale.
    """

    name: str
    dtype: np.dtype
    is_quantized: bool


def read_tensors(path: Path) -> list[TfliteTensor]:
    """List the tensors of a TFLite file.

    Raises:
        ValueError: If the file is not a TFLite model.
    """
    from ai_edge_litert.interpreter import Interpreter

    return [
        TfliteTensor(
            details["name"],
            np.dtype(details["dtype"]),
            bool(len(details["quantization_parameters"]["scales"])),
        )
        for details in Interpreter(str(path)).get_tensor_details()
    ]


def float_tensors(path: Path) -> list[str]:
    """Return the names of the floating-point tensors; a full-int8 file has none."""
    return [tensor.name for tensor in read_tensors(path) if tensor.dtype.kind == "f"]
