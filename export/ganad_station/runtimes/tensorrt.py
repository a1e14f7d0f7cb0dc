"""Engines that trtexec built on a Jetson, in TensorRT.

JetPack includes the Python package of TensorRT, but none for the CUDA runtime library, whose
functions are called through ctypes.
"""

import ctypes
from pathlib import Path
from typing import Any, List

import numpy as np

from ganad_station.errors import StationError
from ganad_station.runtimes.model import Model
from ganad_station.score import clip_reconstructions, to_input

CUDA_LIBRARY = "libcudart.so"
TO_DEVICE, TO_HOST = 1, 2


class TensorRtModel(Model):
    """An engine with one input and one output `(1, height, width, channels)`.

    Args:
        path: Path of the `.engine` file.

    Raises:
        StationError: If the engine was built by another version of TensorRT or for another
            device, or CUDA fails.
        ImportError: If TensorRT is not installed.
    """

    def __init__(self, path: Path) -> None:
        import tensorrt

        self._cuda = _Cuda()
        logger = tensorrt.Logger(tensorrt.Logger.ERROR)
        self._engine = tensorrt.Runtime(logger).deserialize_cuda_engine(path.read_bytes())
        if self._engine is None:
            raise StationError(f"{path} was not built on this device: build it again with trtexec")
        self._context = self._engine.create_execution_context()
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        by_mode = {self._engine.get_tensor_mode(name): name for name in names}
        self._input = by_mode[tensorrt.TensorIOMode.INPUT]
        output = by_mode[tensorrt.TensorIOMode.OUTPUT]
        shape = tuple(self._engine.get_tensor_shape(self._input))
        self._dtype = np.dtype(tensorrt.nptype(self._engine.get_tensor_dtype(self._input)))
        self._host_output = np.empty(
            tuple(self._engine.get_tensor_shape(output)),
            tensorrt.nptype(self._engine.get_tensor_dtype(output)),
        )
        self._device_input = self._cuda.allocate(int(np.prod(shape)) * self._dtype.itemsize)
        self._device_output = self._cuda.allocate(self._host_output.nbytes)
        self._context.set_tensor_address(self._input, self._device_input)
        self._context.set_tensor_address(output, self._device_output)
        super().__init__(shape[1:], "TensorRT")

    def reconstruct_one(self, image: np.ndarray) -> np.ndarray:
        """Reconstruct an image; see `Model`."""
        pixels = np.ascontiguousarray(image if self._dtype == np.uint8 else to_input(image))
        self._cuda.copy(self._device_input, pixels.ctypes.data, pixels.nbytes, TO_DEVICE)
        self._context.execute_async_v3(0)
        host = self._host_output
        self._cuda.copy(host.ctypes.data, self._device_output, host.nbytes, TO_HOST)
        return host[0].copy() if host.dtype == np.uint8 else clip_reconstructions(host[0])


class _Cuda:
    """The functions of the CUDA runtime that an inspection needs, on the default stream."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(CUDA_LIBRARY)
        except OSError as error:
            raise StationError(f"no CUDA runtime ({error})") from None

    def allocate(self, size: int) -> int:
        """Return the address of `size` bytes on the device."""
        address = ctypes.c_void_p()
        self._check("cudaMalloc", [ctypes.byref(address), ctypes.c_size_t(size)])
        return int(address.value or 0)

    def copy(self, target: int, source: int, size: int, direction: int) -> None:
        """Copy bytes after all work that was started before is complete."""
        self._check(
            "cudaMemcpy",
            [ctypes.c_void_p(target), ctypes.c_void_p(source), ctypes.c_size_t(size), direction],
        )

    def _check(self, function: str, arguments: List[Any]) -> None:
        code = getattr(self._library, function)(*arguments)
        if code:
            raise StationError(f"{function} failed with CUDA error {code}")
