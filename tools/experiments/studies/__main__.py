"""A side table of a data set: rows are variations of the method, columns are normal classes.

python -m tools.experiments.studies --study ablation --dataset fashion-mnist --classes 0,3,6

Every variation, class and seed is a job of its own; stop it at any time and start it again: what is
finished is not done twice, and what studies have in common is trained once. Writes
`<out>/<dataset>/<study>/`: `table.md`, `results.json`, for widths `pareto.png`, and of each job
`<variation>-class-<class>-seed-<seed>.json` and, of a detector, `.toml`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ganad_tf.system.files import remove_leftovers, write_json, write_text
from tools.experiments.classes import class_label
from tools.experiments.studies.ablation import ABLATION
from tools.experiments.studies.baselines import BASELINES
from tools.experiments.studies.imbalance import IMBALANCE
from tools.experiments.studies.study import Result, Study
from tools.experiments.studies.table import tabulate, to_json, to_markdown
from tools.experiments.studies.tasks import Task, plan
from tools.experiments.studies.unseen import UNSEEN
from tools.experiments.studies.widths import WIDTHS
from tools.experiments.table_command import (
    SIDE_CLASSES,
    announce,
    command_line,
    common_settings,
    deciding_options,
    exit_on,
    folder_option,
    refusing,
    run_missing,
    table_options,
)

STUDIES = {study.name: study for study in (ABLATION, BASELINES, IMBALANCE, UNSEEN, WIDTHS)}


@dataclass(frozen=True)
class Report:
    """What is written of a study.

    Attributes:
        study: The study.
        tasks: All its tasks, done or not.
        options: The options that decide on its content.
        folder: Where it goes.
    """

    study: Study
    tasks: Sequence[Task]
    options: dict[str, Any]
    folder: Path

    @property
    def command(self) -> str:
        """What makes this table."""
        return command_line("tools.experiments.studies", self.options)

    def write(self) -> str:
        """Write the table, with gaps where results are missing, and return it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        table = tabulate(self.study, self.tasks)
        config = self.tasks[0].config
        dataset = config.data.dataset
        classes = dict.fromkeys(task.normal_class for task in self.tasks)
        seeds = dict.fromkeys(task.config.seed for task in self.tasks)
        columns = [class_label(dataset, number) for number in classes]
        text = (
            f"# {self.study.name} on {dataset}\n\n{self.study.about}\n\n"
            f"AUROC on the test split by normal class. Classes: {_list(classes)}; "
            f"seeds: {_list(seeds)}; epochs: {config.train.epochs}. Made by\n"
            f"`{self.command}`.\n\n{to_markdown(self.study, table, columns)}"
        )
        write_text(self.folder / "table.md", text)
        content = {
            "study": self.study.name,
            "dataset": dataset,
            "classes": list(classes),
            "seeds": list(seeds),
            "epochs": config.train.epochs,
            "command": self.command,
            "rows": to_json(table),
        }
        write_json(self.folder / "results.json", content)
        return text


def _list(numbers: Sequence[int] | dict[int, None]) -> str:
    return ", ".join(map(str, numbers))


@click.command()
@click.option("--study", "name", type=click.Choice(list(STUDIES)), required=True)
@table_options(SIDE_CLASSES, out="docs/results/studies")
@folder_option("--runs", "runs/studies", "run folders")
def main(
    name: str,
    dataset: str,
    data_dir: str | None,
    classes: list[int],
    seeds: int,
    epochs: int | None,
    runs: Path,
    out: Path,
    **spread: Any,
) -> None:
    """Fill the table of a study; a table that was begun goes on where it stopped."""
    study, folder = STUDIES[name], out / dataset / name
    options = {"study": name, **deciding_options(dataset, classes, seeds, epochs)}
    remove_leftovers(folder)
    with refusing():
        settings = common_settings(dataset, data_dir, epochs)
        tasks = plan(study, settings, classes, seeds, runs, folder)
        report = Report(study, tasks, options, folder)
        jobs = [task.job() for task in tasks if task.result() is None]
        announce(len(tasks), len(jobs))
        failures = run_missing(jobs, _describe, report.write, **spread)
        if study.finish is not None:
            study.finish(tasks, folder)
        click.echo(report.write())
    exit_on(failures)


def _describe(result: Result) -> str:
    return f"{result['float_auroc']['value']:.4f}"


if __name__ == "__main__":
    main()
