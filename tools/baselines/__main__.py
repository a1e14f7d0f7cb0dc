"""What other methods reach on the very same splits, batches and number of steps.

python -m tools.baselines --dataset fashion-mnist --classes 0,3,6

Every method, class and seed is a job of its own; what is finished is not done again. Writes
`<out>/<dataset>/`: `table.md`, `results.json`, and of each job
`<method>-class-<class>-seed-<seed>.json`.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ganad_tf.config import RunConfig
from ganad_tf.files import remove_leftovers, write_json, write_text
from ganad_tf.jobs import Job
from ganad_tf.settings import make_config
from tools.baselines.run import METHODS, read_baseline, run_baseline
from tools.baselines.table import Result, collect, to_markdown
from tools.classes import class_label
from tools.table_command import (
    SIDE_CLASSES,
    announce,
    command_line,
    common_settings,
    deciding_options,
    exit_on,
    refusing,
    run_missing,
    table_options,
)

ALL = "all"


@dataclass(frozen=True)
class Task:
    """A job of the table.

    Attributes:
        method: One of `METHODS`.
        config: What to train on, and how.
        path: The file of its result.
    """

    method: str
    config: RunConfig
    path: Path

    def result(self) -> Result | None:
        """Return the result if it is there."""
        return read_baseline(self.method, self.config, self.path)

    def job(self) -> Job:
        """Return the job that makes the result."""
        return Job(self.path.stem, run_baseline, (self.method, self.config, self.path))


@click.command()
@click.option("--method", type=click.Choice((ALL, *METHODS)), default=ALL, show_default=True)
@table_options(SIDE_CLASSES, out="docs/results/baselines")
def main(
    method: str,
    dataset: str,
    data_dir: str | None,
    classes: list[int],
    seeds: int,
    epochs: int | None,
    out: Path,
    **spread: Any,
) -> None:
    """Train and measure the baselines; a table that was begun goes on where it stopped."""
    folder = out / dataset
    remove_leftovers(folder)
    with refusing():
        tasks = _tasks(common_settings(dataset, data_dir, epochs), folder, classes, seeds)
        asked_for = [task for task in tasks if method in (ALL, task.method)]
        jobs = [task.job() for task in asked_for if task.result() is None]
        announce(len(asked_for), len(jobs))
        failures = run_missing(jobs, _describe, **spread)
        _write(folder, tasks, classes, deciding_options(dataset, classes, seeds, epochs))
    exit_on(failures)


def _tasks(settings: dict[str, Any], folder: Path, classes: list[int], seeds: int) -> list[Task]:
    return [
        Task(
            method,
            make_config(settings, {"data": {"normal_class": normal_class}, "seed": seed}),
            folder / f"{method}-class-{normal_class}-seed-{seed}.json",
        )
        for seed in range(seeds)
        for method in METHODS
        for normal_class in classes
    ]


def _describe(result: Result) -> str:
    return f"{result['auroc']['value']:.4f}"


def _write(folder: Path, tasks: list[Task], classes: list[int], options: dict[str, Any]) -> None:
    results = [result for task in tasks if (result := task.result()) is not None]
    if not results:
        return
    labels = {number: class_label(options["dataset"], number) for number in classes}
    cells = collect(results, labels)
    command = command_line("tools.baselines", options)
    table = to_markdown(cells, list(labels.values()), command)
    write_text(folder / "table.md", table)
    figures = {
        method: {label: asdict(figure) for label, figure in row.items()}
        for method, row in cells.items()
    }
    write_json(folder / "results.json", {"options": options, "auroc": figures})
    click.echo(table)


if __name__ == "__main__":
    main()
