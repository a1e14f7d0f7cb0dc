"""What a report shows about the exported files of a run."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganad_station.choice import open_model
from ganad_station.errors import StationError
from ganad_station.score import ScoreRule
from ganad_tf.exporting.verify import EVIDENCE_FOLDER
from ganad_tf.run import Run
from ganad_tf.system.files import read_json

TIMED, WARM_UP = 30, 5


@dataclass(frozen=True)
class ExportedFile:
    """An exported file.

    Attributes:
        name: Name of the bundle and of the file, `<bundle>/<file>`.
        verification: Fields of `ganad_tf.exporting.verify.Verification` by name.
        milliseconds: Median time from pixels to score on one thread of this machine, None if it has
            no runtime for the file.
    """

    name: str
    verification: dict[str, Any]
    milliseconds: float | None


def exported_files(run: Run, images: NDArray[np.uint8]) -> list[ExportedFile]:
    """Return the verified files of all bundles of a run, with their time per image.

    Args:
        run: The run that the bundles were exported from.
        images: uint8 `(count, size, size, channels)`, the images to measure the time with.
    """
    rule = run.config.score.rule
    found = []
    for evidence in sorted(run.folder.glob(f"bundles/[!.]*/{EVIDENCE_FOLDER}/*.json")):
        bundle = evidence.parents[1]
        model_path = bundle / evidence.stem
        verification = read_json(evidence, f"ganad-tf verify {model_path}")
        name = f"{bundle.name}/{evidence.stem}"
        found.append(ExportedFile(name, verification, _milliseconds(model_path, images, rule)))
    return found


def _milliseconds(path: Path, images: NDArray[np.uint8], rule: ScoreRule) -> float | None:
    try:
        model = open_model(path, threads=1)
    except (StationError, ImportError, ValueError, RuntimeError):
        return None
    times = []
    for number in range(WARM_UP + TIMED):
        image = images[number % len(images)][np.newaxis]
        start = time.perf_counter()
        model.score(image, rule)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[WARM_UP:])
