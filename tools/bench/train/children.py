"""Measurements in child processes, each on as many cores as it shall use."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ganad_tf.errors import UserError
from tools.bench.train.cases import Case


def measure(module: str, case: Case, *arguments: str) -> dict[str, Any]:
    """Run a module of this package in a process of its own, and return the JSON it prints.

    The process is tied to as many cores as it has threads: the pools of all libraries follow
    that, and the threads that feed images cannot use more than the others' either.

    Raises:
        UserError: If there are fewer cores than threads, or the process fails.
    """
    command = [sys.executable, "-m", f"tools.bench.train.{module}", case.to_json(), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": str(case.threads)}
    with _cores(case.threads):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last_line = (done.stderr.strip().splitlines() or ["it wrote no reason"])[-1]
        raise UserError(
            f"{module} failed at {case.shape}, batch {case.batch}, with exit code "
            f"{done.returncode}: {last_line}"
        )
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def _cores(threads: int) -> Iterator[None]:
    """Tie this thread, and the processes that it starts meanwhile, to the first cores."""
    allowed = os.sched_getaffinity(0)
    if not 1 <= threads <= len(allowed):
        raise UserError(f"{threads} threads on {len(allowed)} cores: choose 1 to {len(allowed)}")
    os.sched_setaffinity(0, sorted(allowed)[:threads])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
