"""TFLite files in LiteRT or the older tflite-runtime, with or without an Edge TPU."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from ganad_station.errors import StationError
from ganad_station.runtimes.model import Model
from ganad_station.score import clip_reconstructions, to_input

PIXEL_SCALE = 1 / 255
SIGN_BIT = np.uint8(0x80)
ZERO_POINTS = {np.dtype(np.int8): -128, np.dtype(np.uint8): 0}
EDGE_TPU_LIBRARY = "libedgetpu.so.1"


class LiteRtModel(Model):
    """A `.tflite` generator.

    Integer inputs represent pixels exactly: int8 is the pixel minus 128, which flips the sign bit,
    and uint8 is the pixel itself. The same holds for outputs after quantization-aware training;
    outputs after post-training quantization have their own scale and are dequantized.

    Args:
        path: Path of the file.
        threads: Number of threads of the interpreter.
        uses_edge_tpu: Whether the file was compiled for the Edge TPU.
        without_xnnpack: Whether the kernels of the runtime itself compute, as they do where there
            is no XNNPACK: in tflite-runtime, on 32-bit Arm, on microcontrollers.

    Raises:
        StationError: If the file needs an Edge TPU and there is none, or its input represents
            pixels in another way.
        ValueError: If the runtime cannot load the file.
        ImportError: If no runtime is installed.
    """

    def __init__(
        self,
        path: Path,
        threads: int = 1,
        uses_edge_tpu: bool = False,
        without_xnnpack: bool = False,
    ) -> None:
        library = _import_runtime()
        delegates = [_edge_tpu(library)] if uses_edge_tpu else []
        kernels = library.OpResolverType
        self._interpreter = library.Interpreter(
            str(path),
            num_threads=threads,
            experimental_delegates=delegates,
            experimental_op_resolver_type=(
                kernels.BUILTIN_WITHOUT_DEFAULT_DELEGATES if without_xnnpack else kernels.AUTO
            ),
        )
        self.uses_edge_tpu = uses_edge_tpu
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        if self._input["dtype"] != np.float32 and not _maps_pixels_exactly(self._input):
            raise StationError(
                f"{path} does not take pixels as they are (scale 1/255): export it with ganad-tf"
            )
        self._gives_values = self._output["dtype"] == np.float32
        self._gives_pixels = not self._gives_values and _maps_pixels_exactly(self._output)
        super().__init__(
            tuple(int(side) for side in self._input["shape"][1:]),
            "Edge TPU" if uses_edge_tpu else library.__name__.split(".")[0],
        )

    def invoke(self) -> None:
        """Run the interpreter on the present input; the part of `reconstruct_one` to time."""
        self._interpreter.invoke()

    def reconstruct_one(self, image: np.ndarray) -> np.ndarray:
        """Reconstruct an image; see `Model`."""
        levels = _to_levels(image, self._input["dtype"])
        self._interpreter.set_tensor(self._input["index"], levels[np.newaxis])
        self.invoke()
        output = self._interpreter.get_tensor(self._output["index"])[0]
        if self._gives_pixels:
            return _to_pixels(output)
        return (
            clip_reconstructions(output) if self._gives_values else _to_values(output, self._output)
        )


def _import_runtime() -> Any:
    try:
        from ai_edge_litert import interpreter
    except ImportError:
        from tflite_runtime import interpreter
    return interpreter


def _edge_tpu(library: Any) -> Any:
    try:
        # If the library is missing, the runtimes print a traceback themselves.
        ctypes.CDLL(EDGE_TPU_LIBRARY)
        return library.load_delegate(EDGE_TPU_LIBRARY)
    except (OSError, ValueError):
        raise StationError(f"no Edge TPU: plug it in and install {EDGE_TPU_LIBRARY}") from None


def _to_levels(image: np.ndarray, dtype: type) -> np.ndarray:
    if dtype == np.int8:
        return np.bitwise_xor(image, SIGN_BIT).view(np.int8)
    return image if dtype == np.uint8 else to_input(image)


def _maps_pixels_exactly(details: Any) -> bool:
    scale, zero_point = details["quantization"]
    is_pixel_scale = abs(scale / PIXEL_SCALE - 1) < 1e-5
    return is_pixel_scale and zero_point == ZERO_POINTS[np.dtype(details["dtype"])]


def _to_pixels(levels: np.ndarray) -> np.ndarray:
    return np.bitwise_xor(levels.view(np.uint8), SIGN_BIT) if levels.dtype == np.int8 else levels


def _to_values(levels: np.ndarray, details: Any) -> np.ndarray:
    scale, zero_point = details["quantization"]
    values = (levels.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
    return clip_reconstructions(values)
