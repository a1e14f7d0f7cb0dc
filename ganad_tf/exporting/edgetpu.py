"""Compiling models for the Edge TPU with edgetpu_compiler, where it is installed."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ganad_tf.errors import UserError

COMPILER = "edgetpu_compiler"
ON_EDGE_TPU = re.compile(r"Number of operations that will run on Edge TPU:\s*(\d+)")
ON_CPU = re.compile(r"Number of operations that will run on CPU:\s*(\d+)")


@dataclass(frozen=True)
class Compilation:
    """The summary that the compiler prints.

    Attributes:
        on_edge_tpu: Number of operations that run on the Edge TPU.
        on_cpu: Number of operations that fall back to the CPU.
    """

    on_edge_tpu: int
    on_cpu: int


def compile_for_edge_tpu(model_path: Path) -> Compilation | None:
    """Compile a model into `<name>_edgetpu.tflite` beside it.

    Args:
        model_path: A full-int8 `.tflite` file.

    Returns:
        The summary of the compiler, None if it is not on PATH.

    Raises:
        UserError: If the compiler refuses the file; the message ends with its output.
    """
    compiler = shutil.which(COMPILER)
    if compiler is None:
        return None
    process = subprocess.run(
        [compiler, "-s", "-o", str(model_path.parent), str(model_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    log = process.stdout + process.stderr
    mapped, fallen_back = ON_EDGE_TPU.search(log), ON_CPU.search(log)
    if process.returncode or mapped is None:
        raise UserError(f"{COMPILER} refused {model_path.name}: {log.strip()[-300:]}")
    return Compilation(int(mapped[1]), int(fallen_back[1]) if fallen_back else 0)
