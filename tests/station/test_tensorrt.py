"""The way of an image to an engine and back; neither TensorRT nor a GPU can be had for tests.

A C library stands in for the CUDA runtime, with the host's memory as the device's, and a module
for TensorRT, whose engine inverts the pixels.
"""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ganad_station.errors import StationError
from ganad_station.runtimes import tensorrt as subject

SHAPE = (1, 4, 6, 3)
CUDA_RUNTIME = """
#include <stdlib.h>
#include <string.h>
int cudaMalloc(void **address, size_t size) { *address = malloc(size); return !*address * 2; }
int cudaMemcpy(void *to, const void *from, size_t size, int direction) {
    if (direction != 1 && direction != 2) return 21;
    memcpy(to, from, size);
    return 0;
}
"""


class SilentLogger:
    ERROR = 1

    def __init__(self, level: int) -> None:
        assert level == self.ERROR


class InvertingEngine:
    def __init__(self, dtype: type) -> None:
        self.dtype = np.dtype(dtype)
        self.num_io_tensors = 2
        self._addresses: dict[str, int] = {}

    def get_tensor_name(self, index: int) -> str:
        return ("image", "reconstruction")[index]

    def get_tensor_mode(self, name: str) -> str:
        return {"image": "input", "reconstruction": "output"}[name]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return SHAPE

    def get_tensor_dtype(self, name: str) -> np.dtype:
        return self.dtype

    def create_execution_context(self) -> "InvertingEngine":
        return self

    def set_tensor_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def execute_async_v3(self, stream: int) -> None:
        size = int(np.prod(SHAPE)) * self.dtype.itemsize
        pixels = np.frombuffer(ctypes.string_at(self._addresses["image"], size), self.dtype)
        inverted = (255 if self.dtype == np.uint8 else 1) - pixels
        ctypes.memmove(self._addresses["reconstruction"], inverted.tobytes(), size)


@pytest.fixture(scope="module")
def cuda_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    folder = tmp_path_factory.mktemp("cuda")
    (folder / "cudart.c").write_text(CUDA_RUNTIME)
    library = folder / "libcudart.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", str(library), str(folder / "cudart.c")], check=True
    )
    return library


def install(monkeypatch: pytest.MonkeyPatch, library: Path, engine: InvertingEngine | None) -> None:
    runtime = SimpleNamespace(deserialize_cuda_engine=lambda _content: engine)
    stand_in = SimpleNamespace(
        Logger=SilentLogger,
        Runtime=lambda _logger: runtime,
        TensorIOMode=SimpleNamespace(INPUT="input", OUTPUT="output"),
        nptype=lambda dtype: dtype.type,
    )
    monkeypatch.setitem(sys.modules, "tensorrt", stand_in)
    monkeypatch.setattr(subject, "CUDA_LIBRARY", str(library))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pixels_go_to_the_engine_and_come_back(
    monkeypatch: pytest.MonkeyPatch, cuda_library: Path, tmp_path: Path, dtype: type
) -> None:
    install(monkeypatch, cuda_library, InvertingEngine(dtype))
    (tmp_path / "model.engine").write_bytes(b"engine")
    model = subject.TensorRtModel(tmp_path / "model.engine")
    assert model.image_shape == SHAPE[1:]
    image = np.random.default_rng(0).integers(0, 256, SHAPE[1:], np.uint8)
    first = model.reconstruct_one(image)
    model.reconstruct_one(255 - image)
    assert first.dtype == dtype
    expected = 255 - image
    if dtype == np.float32:
        expected = 1 - image.astype(np.float32) / np.float32(255)
    np.testing.assert_allclose(first, expected, atol=1e-6)


def test_an_engine_of_another_device_is_refused(
    monkeypatch: pytest.MonkeyPatch, cuda_library: Path, tmp_path: Path
) -> None:
    install(monkeypatch, cuda_library, None)
    (tmp_path / "model.engine").write_bytes(b"engine")
    with pytest.raises(StationError, match="build it again with trtexec"):
        subject.TensorRtModel(tmp_path / "model.engine")


def test_a_machine_without_cuda_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path / "nowhere.so", None)
    (tmp_path / "model.engine").write_bytes(b"engine")
    with pytest.raises(StationError, match="no CUDA runtime"):
        subject.TensorRtModel(tmp_path / "model.engine")
