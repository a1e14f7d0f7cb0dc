"""Running the station program as a station does."""

import subprocess
import sys
from pathlib import Path


def run_program(
    bundle: Path, *arguments: object, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run `station.pyz` of a bundle in a process of its own, without this package's path."""
    command = [python, "-I", str(bundle / "station.pyz"), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def assert_one_line_error(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    for word in words:
        assert word in line
