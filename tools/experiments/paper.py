"""The paper's table of a data set: each class in turn is normal, float and verified int8.

python -m tools.experiments.paper --dataset cifar10 --data-dir DATA

Every class and seed is a job of its own: training, figures on the test split, int8 export, and its
verification on the whole test split. Stop it at any time and start it again: what is finished
is not done twice. Writes `<out>/<dataset>/`: `table.md`, `auroc.png`, `results.json`, and of each
job `class-<class>-seed-<seed>.json` and `.toml`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ganad_tf.config import RunConfig, make_config
from ganad_tf.system.files import remove_leftovers, write_json, write_text
from ganad_tf.system.jobs import Job
from tools.experiments.classes import class_label
from tools.experiments.experiment import read_result, train_evaluate_verify
from tools.experiments.paper_plot import plot_summary
from tools.experiments.references import averages_on, paper_average
from tools.experiments.table import Result, Summary, describe, summarize, to_markdown
from tools.experiments.table_command import (
    CLASSES,
    announce,
    common_settings,
    exit_on,
    folder_option,
    refusing,
    run_missing,
    table_options,
)


@dataclass(frozen=True)
class Table:
    """The table of a data set.

    Attributes:
        config: Settings of all its jobs, of any class and seed.
        folder: Where its files go.
    """

    config: dict[str, Any]
    folder: Path

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.config["data"]["dataset"]

    def job_config(self, normal_class: int, seed: int) -> RunConfig:
        """Return the configuration of a job."""
        return make_config(self.config, {"data": {"normal_class": normal_class}, "seed": seed})

    def result_path(self, normal_class: int, seed: int) -> Path:
        """Return the file that the result of a job goes to."""
        return self.folder / f"class-{normal_class}-seed-{seed}.json"

    def results(self, normal_class: int) -> list[Result]:
        """Return the results of a class that there are with these settings, a seed each."""
        found = []
        for path in self.folder.glob(f"class-{normal_class}-seed-*.json"):
            seed = int(path.stem.rpartition("-")[2])
            result = read_result(path, self.job_config(normal_class, seed))
            if result is not None:
                found.append(result)
        return sorted(found, key=lambda result: result["config"]["seed"])

    def write(self) -> Summary | None:
        """Write table, figures and plot of the results there are; None if there are none."""
        labels = [class_label(self.dataset, number) for number in CLASSES]
        results = dict(zip(labels, map(self.results, CLASSES), strict=True))
        if not any(results.values()):
            return None
        summary = summarize(results)
        files = {label: _links(c, results[label]) for c, label in zip(CLASSES, labels, strict=True)}
        table = to_markdown(summary, "normal class", averages_on(self.dataset), files)
        write_text(self.folder / "table.md", table)
        write_json(self.folder / "results.json", {"dataset": self.dataset, **summary.as_json()})
        title = f"{self.dataset}: one class is normal"
        plot_summary(summary, title, paper_average(self.dataset), self.folder / "auroc.png")
        return summary


def _links(normal_class: int, results: Sequence[Result]) -> str:
    stems = [f"class-{normal_class}-seed-{result['config']['seed']}" for result in results]
    return ", ".join(f"[json]({stem}.json) [toml]({stem}.toml)" for stem in stems)


@click.command()
@table_options(CLASSES, out="docs/results")
@folder_option("--runs", "runs/paper", "run folders")
def main(
    dataset: str,
    data_dir: str | None,
    classes: list[int],
    seeds: int,
    epochs: int | None,
    runs: Path,
    out: Path,
    **spread: Any,
) -> None:
    """Fill the table of a data set; a table that was begun goes on where it stopped."""
    table = Table(common_settings(dataset, data_dir, epochs), out / dataset)
    remove_leftovers(table.folder)
    with refusing():
        jobs = _missing_jobs(table, classes, seeds, runs)
        announce(len(classes) * seeds, len(jobs), f"{dataset}: ")
        failures = run_missing(jobs, describe, table.write, **spread)
        if table.write() is not None:
            click.echo((table.folder / "table.md").read_text())
    exit_on(failures)


def _missing_jobs(table: Table, classes: list[int], seeds: int, runs: Path) -> list[Job]:
    jobs = []
    # Seed by seed, so that a table over all classes is there as soon as can be.
    for seed in range(seeds):
        for normal_class in classes:
            config = table.job_config(normal_class, seed)
            path = table.result_path(normal_class, seed)
            if read_result(path, config) is None:
                name = f"{table.dataset}-{normal_class}-{seed}"
                jobs.append(Job(name, train_evaluate_verify, (config, runs / name, path)))
    return jobs


if __name__ == "__main__":
    main()
