"""What other methods reach on the very same splits, batches and number of steps.

python -m tools.baselines --dataset fashion-mnist --classes 0,3,6

Every method, class and seed is a job of its own; what is finished is not done again. Writes
`<out>/<dataset>/`: `table.md`, `results.json`, and of each job
`<method>-class-<class>-seed-<seed>.json`.
"""

import shlex
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ganad_tf.config import RunConfig
from ganad_tf.errors import UserError
from ganad_tf.files import remove_leftovers, write_json, write_text
from ganad_tf.jobs import ENGINES, Countdown, Job, cores, run_jobs
from ganad_tf.settings import make_config
from tools.baselines.run import METHODS, read_baseline, run_baseline
from tools.baselines.table import Result, collect, to_markdown
from tools.classes import class_label
from tools.paper import DATASETS, parse_classes

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
@click.option("--dataset", type=click.Choice(DATASETS), required=True)
@click.option("--data-dir", type=click.Path(resolve_path=True), help="Folder with the data.")
@click.option(
    "--classes",
    default="0,3,6",
    show_default=True,
    callback=parse_classes,
    help="Which classes are normal, each in turn.",
)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True)
@click.option("--epochs", type=int, help="[default: that of the data set]")
@click.option("--engine", type=click.Choice(ENGINES), default="local", show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=cores,
    help="Jobs at once.  [default: one a core]",
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, resolve_path=True),
    default=Path("docs/results/baselines"),
    help="Where results go.  [default: docs/results/baselines]",
)
def main(
    method: str,
    dataset: str,
    data_dir: str | None,
    classes: list[int],
    seeds: int,
    epochs: int | None,
    engine: str,
    workers: int,
    threads: int,
    out: Path,
) -> None:
    """Train and measure the baselines; a table that was begun goes on where it stopped."""
    settings = {"data": {"dataset": dataset, "data_dir": data_dir}, "train": {"epochs": epochs}}
    folder = out / dataset
    remove_leftovers(folder)
    try:
        tasks = _tasks(settings, folder, classes, seeds)
        asked_for = [task for task in tasks if method in (ALL, task.method)]
        jobs = [task.job() for task in asked_for if task.result() is None]
        click.echo(f"{len(asked_for)} jobs, {len(asked_for) - len(jobs)} of them done already")
        failures = _run(jobs, engine, workers, threads)
        _write(folder, tasks, dataset, classes, seeds, epochs)
    except UserError as error:
        refusal = click.ClickException(str(error))
        refusal.exit_code = 2
        raise refusal from None
    if failures:
        click.echo(f"error: failed: {', '.join(failures)}", err=True)
        sys.exit(1)


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


def _run(jobs: list[Job], engine: str, workers: int, threads: int) -> list[str]:
    failures = []
    countdown = Countdown(len(jobs))
    for outcome in run_jobs(jobs, engine, workers, threads):
        if outcome.error is not None:
            failures.append(outcome.name)
            line = f"{outcome.name} failed: {outcome.error}"
        else:
            line = f"{outcome.name}: {outcome.result['auroc']['value']:.4f}"
        click.echo(countdown.line(line))
    return failures


def _write(
    folder: Path,
    tasks: list[Task],
    dataset: str,
    classes: list[int],
    seeds: int,
    epochs: int | None,
) -> None:
    results = [result for task in tasks if (result := task.result()) is not None]
    if not results:
        return
    labels = {number: class_label(dataset, number) for number in classes}
    cells = collect(results, labels)
    options = {"dataset": dataset, "classes": ",".join(map(str, classes)), "seeds": seeds}
    options |= {} if epochs is None else {"epochs": epochs}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    table = to_markdown(
        cells, list(labels.values()), shlex.join(["python", "-m", "tools.baselines", *words])
    )
    write_text(folder / "table.md", table)
    figures = {
        method: {label: asdict(figure) for label, figure in row.items()}
        for method, row in cells.items()
    }
    write_json(folder / "results.json", {"options": options, "auroc": figures})
    click.echo(table)


if __name__ == "__main__":
    main()
