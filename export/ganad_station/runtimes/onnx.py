"""ONNX files in onnxruntime, on TensorRT or CUDA if it supports them."""

from pathlib import Path

import numpy as np

from ganad_station.runtimes.model import Model
from ganad_station.score import clip_reconstructions, to_input

PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")


class OnnxModel(Model):
    """An `.onnx` generator with images `(1, height, width, channels)`.

    Args:
        path: Path of the file.
        threads: Number of threads of an operation.
        as_written: Whether every operator computes as the file says. Otherwise, onnxruntime
            computes Q/DQ pairs and what is between them as one operator, which rounds differently.

    Raises:
        ValueError: If the runtime cannot load the file.
        ImportError: If onnxruntime is not installed.
    """

    def __init__(self, path: Path, threads: int = 1, as_written: bool = False) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        if as_written:
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        available = onnxruntime.get_available_providers()
        try:
            self._session = onnxruntime.InferenceSession(
                str(path),
                options,
                providers=[provider for provider in PROVIDERS if provider in available],
            )
        except Exception as error:  # its exceptions have no public base class
            raise ValueError(str(error)) from None
        self._input = self._session.get_inputs()[0]
        self._is_integer = self._input.type == "tensor(uint8)"
        super().__init__(tuple(self._input.shape[1:]), "onnxruntime")

    def reconstruct_one(self, image: np.ndarray) -> np.ndarray:
        """Reconstruct an image; see `Model`."""
        pixels = image if self._is_integer else to_input(image)
        (output,) = self._session.run(None, {self._input.name: pixels[np.newaxis]})
        return output[0] if self._is_integer else clip_reconstructions(output[0])
