"""Stations have Python 3.7 or later."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.programs import run_program

OLDEST = "3.7"
ROUNDING = 1 / 255
"""The integer kernels of its runtime, of 2023, round some levels the other way."""


def test_nothing_needs_a_newer_python(bundle_folder: Path, tmp_path: Path) -> None:
    with_sources = tmp_path / "sources"
    shutil.unpack_archive(bundle_folder / "station.pyz", with_sources, "zip")
    command = [
        str(Path(sys.executable).with_name("vermin")),
        f"-t={OLDEST}-",
        "--violations",
        "--no-tips",
    ]
    result = subprocess.run(
        [*command, "--eval-annotations", str(with_sources)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout


def make_environment(folder: Path, python: str, *packages: str) -> str:
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", *packages]
    subprocess.run(pip, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    return str(folder / "bin" / "python")


def find_oldest_python() -> str | None:
    """Its path; pyenv's stand-ins need to be told which version is meant."""
    command = [f"python{OLDEST}", "-c", "import sys; print(sys.executable)"]
    if shutil.which(command[0]) is None:
        return None
    environment = {**os.environ, "PYENV_VERSION": OLDEST}
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    return result.stdout.strip() or None


@pytest.mark.slow
def test_nothing_but_numpy_pillow_and_a_runtime_is_needed(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    packages = ("numpy", "pillow", "ai-edge-litert")
    python = make_environment(tmp_path / "bare", sys.executable, *packages)
    assert run_program(bundle_folder, "selftest", python=python).returncode == 0
    here = run_program(bundle_folder, "score", "--json", part_pictures)
    there = run_program(bundle_folder, "score", "--json", part_pictures, python=python)
    assert there.returncode == 0, there.stderr
    assert there.stdout == here.stdout


@pytest.mark.slow
def test_the_oldest_python_and_runtime_score_alike(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    oldest = find_oldest_python()
    if oldest is None:
        pytest.skip(f"there is no python{OLDEST} here")
    python = make_environment(tmp_path / "old", oldest, "numpy", "pillow", "tflite-runtime")
    assert run_program(bundle_folder, "selftest", python=python).returncode == 0
    here = scores(run_program(bundle_folder, "score", "--json", part_pictures))
    there = scores(run_program(bundle_folder, "score", "--json", part_pictures, python=python))
    np.testing.assert_allclose(there, here, atol=ROUNDING)


def scores(result: subprocess.CompletedProcess[str]) -> list[float]:
    assert result.returncode == 0, result.stderr
    return [json.loads(line)["score"] for line in result.stdout.splitlines()]
