"""A model file as its operators and tensors, whatever its format."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Shape = tuple[int | None, ...]
"""Sizes of a tensor; None where a size is known only when the model runs."""

EIGHT_BITS = ("int8", "uint8")


@dataclass(frozen=True)
class Quantization:
    """How integers stand for real numbers.

    Attributes:
        scales: Number of scales; 1 is per tensor.
        zero_points: Zero points; empty if the file has none, which means 0.
        axis: The dimension along which scales differ, if there are several.
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
        name: Its name, not always unique.
        shape: Its sizes, or None if the file does not tell.
        dtype: NumPy's name of its type, such as `int8`, or empty if the file does not tell.
        is_constant: Whether its values are in the file, or follow from such values alone.
        is_end: Whether it is an input or an output of the model.
        is_state: Whether it keeps its values from one run to the next.
        value: Its values where the file has them and NumPy has the type.
        quantization: What its integers mean; for a real tensor that was just dequantized,
            what they meant.
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
        """Whether a size is known only when the model runs."""
        return self.shape is not None and None in self.shape

    @property
    def size(self) -> str:
        """Its sizes for people, such as `1x32x32x3`, with `?` where one is dynamic."""
        sizes = ["?" if size is None else str(size) for size in self.shape or ()]
        return "x".join(sizes) or "scalar"


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator.

    Attributes:
        kind: Its name: `CONV_2D` in TFLite, `Conv` in ONNX, `domain::Name` for ONNX domains
            but the standard one, its own name for a custom TFLite operator.
        version: TFLite's version of it; 0 in ONNX, where the whole file has one (the opset).
        inputs: Its inputs in order; None where an optional one is left out.
        outputs: Its outputs in order.
        options: TFLite's options or ONNX's attributes.
        is_custom: Whether it is none of TFLite's builtin operators.
    """

    kind: str
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: dict[str, Any]
    is_custom: bool = False

    @property
    def data(self) -> list[Tensor]:
        """Inputs and outputs that are neither constant nor a state."""
        tensors = [tensor for tensor in (*self.inputs, *self.outputs) if tensor is not None]
        return [tensor for tensor in tensors if not (tensor.is_constant or tensor.is_state)]

    def input(self, index: int) -> Tensor | None:
        """Return an input, or None if there is none."""
        return self.inputs[index] if index < len(self.inputs) else None


@dataclass(frozen=True, eq=False)
class Graph:
    """What a model file computes.

    Attributes:
        format: `tflite` or `onnx`.
        operators: Its operators in the order they run.
        inputs: Its inputs.
        outputs: Its outputs.
        opset: ONNX's version of the standard operators; 0 in TFLite.
        parameter_bytes: Size of all constants.
        unchecked_subgraphs: Number of further graphs in the file: other entry points, and
            bodies of branches and loops.
    """

    format: str
    operators: list[Operator]
    inputs: list[Tensor]
    outputs: list[Tensor]
    opset: int
    parameter_bytes: int
    unchecked_subgraphs: int
