"""The training step of ganad-tf, timed. Started by `children.measure`."""

import dataclasses
import itertools
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from ganad_tf.system.environment import import_tensorflow_quietly

import_tensorflow_quietly()

import keras  # noqa: E402

from ganad_tf.data.batches.paired import PairedBatches  # noqa: E402
from ganad_tf.models.detector import AnomalyDetector  # noqa: E402
from ganad_tf.system.execution import prepare_execution  # noqa: E402
from ganad_tf.training.train import compile_detector, detector_options, fit  # noqa: E402
from tools.bench.train.cases import Case  # noqa: E402
from tools.bench.train.multiply_adds import step_multiply_adds  # noqa: E402


class Stopwatch(keras.callbacks.Callback):
    """Times each epoch but the first, and stops the training when the time is over.

    The optimizer counts the steps, because the number of steps per epoch differs.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.marks: list[tuple[float, int]] = []

    @property
    def step_seconds(self) -> list[float]:
        """The mean seconds of a step in each timed epoch."""
        pairs = itertools.pairwise(self.marks)
        return [(end - start) / (last - first) for (start, first), (end, last) in pairs]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the clock."""
        self.marks.append((time.perf_counter(), int(self.model.optimizer.iterations)))
        if epoch:
            self.model.stop_training = self.marks[-1][0] - self.marks[0][0] >= self.seconds


def resident_bytes(key: str) -> int:
    """Return `VmRSS`, the resident memory of this process, or `VmHWM`, the most it ever was."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    raise KeyError(key)


def train(case: Case) -> dict[str, Any]:
    """Train as `ganad_tf.training.train` does, and return times, memory and multiply-adds."""
    config = case.config
    prepare_execution(config.seed, config.data.trained_size)
    normals, anomalies = case.images()
    batches = PairedBatches(normals, anomalies, config.train, config.seed)
    detector = AnomalyDetector(**detector_options(config, case.channels))
    compile_detector(detector, config, batches.steps)
    stopwatch = Stopwatch(case.seconds)
    before = resident_bytes("VmRSS")
    epochs = config.train.epochs
    fit(detector, batches.dataset(0, epochs), epochs, batches.steps, [stopwatch])
    passes = step_multiply_adds(detector, case.batch)
    return {
        "seconds": statistics.median(stopwatch.step_seconds),
        "bytes": resident_bytes("VmHWM") - before,
        "multiply_adds": {name: dataclasses.asdict(count) for name, count in passes.items()},
    }


if __name__ == "__main__":
    print(json.dumps(train(Case.from_json(sys.argv[1]))))
