"""The time that the int8 file of a run takes for an image, in the runtime of the station."""

import statistics
from pathlib import Path

import click

from ganad_station.choice import open_model
from tools.bench.station_bundle import textured_picture
from tools.bench.timing import Contender, time_in_turns
from tools.experiments.detector import MODEL_FILE, TARGET
from tools.experiments.table import Filled, Result

LATENCY_KEY = "latency_us"


def measure_latency(filled: Filled, runs: Path) -> dict[str, Result]:
    """Time the int8 files of the first class and seed of each row, in turns.

    The time depends on the shape of the network alone, so that one class and seed stands for all.

    Args:
        filled: The table with the results that there are.
        runs: The folder of the run folders.

    Returns:
        The results with the median microseconds per image, from pixels to score, by name; empty
        where all have it already, or one of the results is missing.
    """
    first: dict[str, Result | None] = {}
    files = {}
    for cell in filled.table.cells:
        if cell.label not in files:
            first[cell.name] = filled.results.get(cell.name)
            files[cell.label] = runs / cell.run_name / "bundles" / TARGET / MODEL_FILE
    results = {name: result for name, result in first.items() if result is not None}
    if len(results) < len(first) or all(LATENCY_KEY in result for result in results.values()):
        return {}
    gone = [path.parents[2].name for path in files.values() if not path.is_file()]
    if gone:
        click.echo(f"no latency: the run folder {gone[0]} is gone; remove its result to train anew")
        return {}
    times = time_in_turns([_contender(label, path) for label, path in files.items()])
    return {
        name: {**result, LATENCY_KEY: statistics.median(times[result["label"]])}
        for name, result in results.items()
    }


def _contender(label: str, path: Path) -> Contender:
    model = open_model(path, threads=1)
    height, width, channels = model.image_shape
    images = textured_picture((height, width), channels)[None]
    return Contender(label, lambda: model.score(images))
