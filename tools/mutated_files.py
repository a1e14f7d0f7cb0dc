"""Model files with a known fault, and what the verification says of them.

    python -m tools.mutated_files runs/NAME

prints the table of docs/stations.md for the bundle of a run for the CPU. A fault is a stand-in for
a bad conversion: the threshold is set from the scores of the bad file. It is also one for a runtime
that computes something else than at export: the threshold is that of the good file.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ganad_station.files import sha256
from ganad_station.manifest import Manifest
from ganad_tf.errors import UserError
from ganad_tf.exporting.comparison import Verification
from ganad_tf.exporting.manifest import write_manifest
from ganad_tf.exporting.verify import verify
from ganad_tf.run import Run

SHIFTS = (-0.03, -0.02, -0.01, -0.005, 0.005, 0.01, 0.02, 0.03)
KERNEL, CHANNEL = "encoder_2", "encoder_1"
LAST = "decoder_4"
FAULTS = (*(f"last bias {shift:+g}" for shift in SHIFTS), "kernel scale doubled", "channel zeroed")
NOT_A_NUMBER = "NaN in a weight"


def mutate(path: Path, fault: str) -> bytes:
    """Return the content of a model file with a fault, one of `FAULTS` or `NOT_A_NUMBER`."""
    content = path.read_bytes()
    return (
        _mutate_onnx(content, fault) if path.suffix == ".onnx" else _mutate_tflite(content, fault)
    )


def _mutate_onnx(content: bytes, fault: str) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    constants = {constant.name: constant for constant in model.graph.initializer}

    def change(name: str, edit: Callable[[Any], Any]) -> None:
        old = onnx.numpy_helper.to_array(constants[name])
        new = np.asarray(edit(old.copy()), old.dtype)
        constants[name].CopyFrom(onnx.numpy_helper.from_array(new, name))

    if fault.startswith("last bias"):
        change(f"{LAST}_bias", lambda bias: bias + float(fault.rsplit(maxsplit=1)[-1]))
    elif fault == FAULTS[-2]:
        change(f"{KERNEL}_kernel_scale", lambda scale: 2 * scale)
    elif fault == FAULTS[-1]:
        change(f"{CHANNEL}_kernel_scale", _with_first(0.0))
        change(f"{CHANNEL}_bias", _with_first(0.0))
    else:
        is_float = f"{KERNEL}_kernel" in constants
        change(f"{KERNEL}_kernel" if is_float else f"{LAST}_bias", _with_first(np.nan))
    return model.SerializeToString()


def _mutate_tflite(content: bytes, fault: str) -> bytes:
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]

    def tensors_of(layer: str) -> tuple[Any, Any]:
        """Return the kernel and the bias of a layer."""
        for operator in graph.operators:
            found = [graph.tensors[index] for index in operator.inputs]
            kernels = [
                tensor for tensor in found if len(tensor.shape) == 4 and _is_of(tensor, layer)
            ]
            if len(found) > 2 and kernels and _is_of(found[-1], layer):
                return kernels[0], found[-1]
        raise ValueError(f"the file has no layer {layer}")

    def change(tensor: Any, dtype: type, edit: Callable[[Any], Any]) -> None:
        buffer = model.buffers[tensor.buffer]
        values = np.frombuffer(bytes(buffer.data), dtype).reshape(tensor.shape).copy()
        buffer.data = np.frombuffer(np.asarray(edit(values), dtype).tobytes(), np.uint8)

    if fault.startswith("last bias"):
        _, bias = tensors_of(LAST)
        levels = np.round(float(fault.rsplit(maxsplit=1)[-1]) / np.asarray(bias.quantization.scale))
        change(bias, np.int32, lambda values: values + levels)
    elif fault == FAULTS[-2]:
        kernel, bias = tensors_of(KERNEL)
        for tensor in (kernel, bias):
            tensor.quantization.scale = 2 * np.asarray(tensor.quantization.scale)
        change(bias, np.int32, lambda values: values // 2)
    elif fault == FAULTS[-1]:
        kernel, bias = tensors_of(CHANNEL)
        change(kernel, np.int8, _with_first(0))
        change(bias, np.int32, _with_first(0))
    else:
        kernel, _ = tensors_of(KERNEL)
        change(kernel, np.float32, _with_first(np.nan))
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _is_of(tensor: Any, layer: str) -> bool:
    return layer in tensor.name.decode()


def _with_first(value: float) -> Callable[[Any], Any]:
    """Return a function that sets the first row of an array."""

    def edit(values: Any) -> Any:
        values[0] = value
        return values

    return edit


def verify_mutated(
    path: Path, run: Run, folder: Path
) -> Iterator[tuple[str, Verification, Verification]]:
    """Verify a model file with each of `FAULTS`.

    Args:
        path: A model file of a bundle of the run.
        run: The run that the file was exported from.
        folder: An empty folder.

    Yields:
        The fault, and the verifications at the threshold of the good file and at its own.
    """
    manifest = Manifest.read(path.parent)
    mutated = []
    for number, fault in enumerate(FAULTS):
        content = mutate(path, fault)
        for kind in ("kept", "own"):
            file = folder / f"{path.suffix[1:]}-{number}-{kind}" / path.name
            file.parent.mkdir()
            file.write_bytes(content)
            if kind == "kept":
                files = {**manifest.files, path.name: sha256(file)}
                write_manifest(file.parent, dataclasses.replace(manifest, files=files))
            mutated.append(file)
    found = verify(mutated, run)
    yield from zip(FAULTS, found[::2], found[1::2], strict=True)


def main() -> None:
    """Print the table."""
    run = Run.open(sys.argv[1])
    print(
        "| fault | file | threshold | difference of the AUROC | false rejects | misses | verdict |"
    )
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for name in ("model.tflite", "model.onnx"):
            path = run.folder / "bundles" / "cpu" / name
            for fault, *both in verify_mutated(path, run, Path(temporary)):
                for of, found in zip(("of the good file", "its own"), both, strict=True):
                    cells = (fault, name, of, f"{found.difference.value:+.4f}")
                    counts = (str(found.false_rejects), str(found.misses), found.outcome.value)
                    print(f"| {' | '.join((*cells, *counts))} |")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
