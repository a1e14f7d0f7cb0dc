"""`station.pyz bench`: the latency of an inspection on this station."""

import argparse
import json
import time
from pathlib import Path
from typing import Dict, List

import numpy as np

from ganad_station.arguments import at_least_one
from ganad_station.bundle import Bundle
from ganad_station.exit_codes import SUCCESS
from ganad_station.inspector import Inspector

HELP = "Measure the latency of inspecting the stored picture."
WARM_UP = 20
MILLISECONDS = 1e3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--count",
        type=at_least_one,
        default=500,
        help="number of inspections (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=at_least_one,
        default=1,
        help="threads of the runtime (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Time the whole inspection, from the file to the decision, and the model alone."""
    bundle = Bundle.open(arguments.bundle)
    inspector = Inspector(bundle, arguments.threads, arguments.accept_failed)
    path = bundle.selftest_image
    figures = {
        "inspection": _percentiles(_time_inspections(inspector, path, arguments.count)),
        "reconstruction": _percentiles(_time_model(inspector, path, arguments.count)),
    }
    memory = _peak_memory()
    if arguments.json:
        print(json.dumps({"file": inspector.model_name, **figures, "peak_rss_mib": memory}))
        return SUCCESS
    print(f"{inspector.model_name} under {inspector.model.runtime}, milliseconds")
    for name, row in figures.items():
        print("  {:<10}  p50 {p50:.3f}  p90 {p90:.3f}  p99 {p99:.3f}".format(name, **row))
    print(
        "  {:.0f} pictures per second, peak memory {:.0f} MiB".format(
            MILLISECONDS / figures["inspection"]["p50"], memory
        )
    )
    return SUCCESS


def _peak_memory() -> float:
    """Return the peak resident memory in MiB; getrusage would include that of the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _time_inspections(inspector: Inspector, path: Path, count: int) -> List[float]:
    return [inspector.inspect(path).seconds for _ in range(WARM_UP + count)][WARM_UP:]


def _time_model(inspector: Inspector, path: Path, count: int) -> List[float]:
    images, rule = inspector.read(path)[0][np.newaxis], inspector.bundle.manifest.score
    times = []
    for _ in range(WARM_UP + count):
        start = time.perf_counter()
        inspector.model.reconstruct_views(images, rule)
        times.append(time.perf_counter() - start)
    return times[WARM_UP:]


def _percentiles(seconds: List[float]) -> Dict[str, float]:
    return {f"p{q}": float(np.percentile(seconds, q)) * MILLISECONDS for q in (50, 90, 99)}
