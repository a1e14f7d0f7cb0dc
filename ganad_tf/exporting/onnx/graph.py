"""Building an ONNX graph node by node."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
"""The first with one scale per channel; TensorRT supports it from 8.0 on (onnx-tensorrt,
operators.md)."""
IR_VERSION = 8
INPUT, OUTPUT = "image", "reconstruction"


class Graph:
    """An ONNX graph under construction, with one input and one output.

    Args:
        element: ONNX type of the input and the output, such as `TensorProto.UINT8`.
        shape: Shape of the input and of the output.
    """

    def __init__(self, element: int, shape: tuple[int, ...]) -> None:
        self._element, self._shape = element, shape
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self.input = INPUT

    def node(self, kind: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its output, which is also the name of the node."""
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def constant(self, name: str, value: NDArray | np.number) -> str:
        """Add a constant and return its name."""
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def finish(self, kind: str, *inputs: str, **attributes: Any) -> bytes:
        """Add the last node, check the graph, and return the content of the `.onnx` file."""
        self.node(kind, OUTPUT, *inputs, **attributes)
        graph = helper.make_graph(
            self._nodes,
            "generator",
            [helper.make_tensor_value_info(self.input, self._element, self._shape)],
            [helper.make_tensor_value_info(OUTPUT, self._element, self._shape)],
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="ganad-tf",
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()


FLOAT32, FLOAT16, UINT8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8
