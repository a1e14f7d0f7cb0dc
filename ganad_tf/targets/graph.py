"""A model file as a graph of operators and tensors, independent of its format."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Shape = tuple[int | None, ...]
"""Sizes of the dimensions of a tensor; None for a size that is known only at run time."""

EIGHT_BITS = ("int8", "uint8")


@dataclass(frozen=True)
class Quantization:
    """The mapping of integers to real numbers.

    Attributes:
        scales: Number of scales; 1 for quantization per tensor.
        zero_points: The zero points; empty if the file has none, which means 0.
        axis: The dimension that the scales belong to, if there are several.
    """

    scales: int
    zero_points: tuple[int, ...]
    axis: int

    @property
    def is_per_channel(self) -> bool:
        """Whether there are several scales."""
        return self.scales > 1


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor.

    Attributes:
        name: Name in the file, not always unique.
        shape: Sizes of its dimensions; None if the file does not contain them.
        dtype: NumPy name of its type, such as `int8`; empty if the file does not contain it.
        is_constant: Whether its values are in the file, or are computed from such values alone.
        is_end: Whether it is an input or an output of the model.
        is_state: Whether it keeps its values from one run to the next.
        value: Its values, if they are in the file and NumPy has the type; else None.
        quantization: The mapping of its integers; for a real tensor that was just dequantized, the
            mapping of the integers before.
    """

    name: str
    shape: Shape | None
    dtype: str
    is_constant: bool = False
    is_end: bool = False
    is_state: bool = False
    value: NDArray | None = None
    quantization: Quantization | None = None

    @property
    def is_dynamic(self) -> bool:
        """Whether a size is known only at run time."""
        return self.shape is not None and None in self.shape

    @property
    def size(self) -> str:
        """The sizes as text, such as `1x32x32x3`, with `?` for a dynamic one."""
        sizes = ["?" if size is None else str(size) for size in self.shape or ()]
        return "x".join(sizes) or "scalar"


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator.

    Attributes:
        kind: Type of the operator: `CONV_2D` in TFLite, `Conv` in ONNX, `domain::Name` in ONNX
            domains other than the standard one, the custom name of a custom TFLite operator.
        version: Version of the operator in TFLite; 0 in ONNX, where the whole file has a version
            (the opset).
        inputs: Inputs in order; None for an optional one that is omitted.
        outputs: Outputs in order.
        options: Options in TFLite, attributes in ONNX, by name.
        is_custom: Whether it is a custom operator of TFLite.
    """

    kind: str
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: dict[str, Any]
    is_custom: bool = False

    @property
    def data(self) -> list[Tensor]:
        """The inputs and outputs that are neither constants nor states."""
        tensors = [tensor for tensor in (*self.inputs, *self.outputs) if tensor is not None]
        return [tensor for tensor in tensors if not (tensor.is_constant or tensor.is_state)]

    def input(self, index: int) -> Tensor | None:
        """Return the input at a position, None if there is none."""
        return self.inputs[index] if index < len(self.inputs) else None


@dataclass(frozen=True, eq=False)
class Graph:
    """The computation of a model file.

    Attributes:
        format: `tflite` or `onnx`.
        operators: The operators in the order of execution.
        inputs: The input tensors of the model.
        outputs: The output tensors of the model.
        opset: Version of the standard operators in ONNX; 0 in TFLite.
        parameter_bytes: Total size of all constants in bytes.
        unchecked_subgraphs: Number of other graphs in the file: other entry points, and bodies of
            branches and loops.
    """

    format: str
    operators: list[Operator]
    inputs: list[Tensor]
    outputs: list[Tensor]
    opset: int
    parameter_bytes: int
    unchecked_subgraphs: int
