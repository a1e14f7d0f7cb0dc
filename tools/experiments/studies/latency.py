"""How long the int8 file of a run takes for an image, in the runtime of the station."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import click

from ganad_station.choice import open_model
from ganad_tf.system.files import write_json
from tools.bench.station import Contender, textured_picture, time_in_turns
from tools.experiments.experiment import MODEL_FILE, TARGET
from tools.experiments.studies.tasks import Task


def measure_latency(tasks: Sequence[Task], key: str) -> None:
    """Time the int8 files of some tasks in turns, and write the medians into their results.

    Nothing is done where all results have it, or one is missing yet.

    Args:
        tasks: What to time.
        key: The key in the results, for microseconds an image, from pixels to score.
    """
    results = [(task, result) for task in tasks if (result := task.result()) is not None]
    if len(results) < len(tasks) or all(key in result for _, result in results):
        return
    files = {task.label: task.folder / "bundles" / TARGET / MODEL_FILE for task in tasks}
    gone = [path.parents[2].name for path in files.values() if not path.is_file()]
    if gone:
        click.echo(f"no latency: the run folder {gone[0]} is gone; remove its result to train anew")
        return
    times = time_in_turns([_contender(label, path) for label, path in files.items()])
    for task, result in results:
        write_json(task.path, {**result, key: statistics.median(times[task.label])})


def _contender(label: str, path: Path) -> Contender:
    model = open_model(path, threads=1)
    height, _, channels = model.image_shape
    images = textured_picture(height, channels)[None]
    return Contender(label, lambda: model.score(images))
