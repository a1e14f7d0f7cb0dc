"""Stations at work in processes of their own, and what they leave."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self


class Station:
    """A long-running command of the program; killed at the end of the `with` block.

    Args:
        logs: Folder for what it prints.
        arguments: The command line, `--bundle` first.
        options: More for `subprocess.Popen`.
    """

    def __init__(self, logs: Path, *arguments: object, **options: Any) -> None:
        logs.mkdir(exist_ok=True)
        self._out, self._err = logs / "stdout", logs / "stderr"
        command = [sys.executable, "-m", "ganad_station", *map(str, arguments)]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def output(self) -> str:
        return self._out.read_text()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    def terminate(self) -> int:
        """Ask it to end as a service manager does; return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=20)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds, while the station runs."""
        wait_until(lambda: condition() or self.process.poll() is not None)
        assert condition(), f"ended with {self.process.poll()}: {self.errors}"


def watch(bundle: Path, folder: Path, out: Path, *more: object, **options: Any) -> Station:
    """Start `watch` with short waits; its logs are beside `out`."""
    command = ["--bundle", bundle, "watch", folder, "--out", out, "--poll", "0.1", *more]
    return Station(out.with_name("logs"), *command, **options)


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def records(out: Path) -> list[dict[str, Any]]:
    """The whole lines of `results.jsonl`."""
    path = out / "results.jsonl"
    if not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def files(out: Path) -> list[str]:
    return [record["file"] for record in records(out)]


def change_manifest(folder: Path, **changes: object) -> None:
    """Overwrite entries of a bundle's manifest."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def set_outcome(folder: Path, model: str, outcome: str, reason: str = "") -> None:
    """Overwrite what the manifest of a bundle says of the verification of a model."""
    verification = json.loads((folder / "manifest.json").read_text())["verification"]
    is_verified = outcome == "verified"
    verification[model].update(outcome=outcome, is_verified=is_verified, reason=reason)
    change_manifest(folder, verification=verification)
