"""Reading a model file of any supported format."""

from pathlib import Path

from ganad_tf.errors import UserError, reason
from ganad_tf.targets.graph import Graph
from ganad_tf.targets.onnx_reader import read_onnx
from ganad_tf.targets.tflite_reader import is_tflite, read_tflite

SUFFIXES = {".tflite": "TFLite", ".onnx": "ONNX"}


def read_graph(path: Path) -> Graph:
    """Read a `.tflite` or `.onnx` file.

    Raises:
        UserError: If the file cannot be read or has another format.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UserError(f"{path} is not a model file: give one that ends in .tflite or .onnx")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    if kind == "TFLite" and not is_tflite(content):
        raise UserError(f"{path} is not a TFLite model: export it again")
    try:
        return read_tflite(content) if kind == "TFLite" else read_onnx(path)
    except ImportError as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): pip install onnx") from None
    except Exception as error:  # the parsers raise any exception for damaged files
        raise UserError(
            f"{path} is damaged or not a model in {kind} format ({reason(error)}): export it again"
        ) from None
