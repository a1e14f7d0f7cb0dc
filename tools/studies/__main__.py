"""A side table of a data set: rows are variations of the method, columns are normal classes.

python -m tools.studies --study ablation --dataset fashion-mnist --classes 0,3,6

Every variation, class and seed is a job of its own; stop it at any time and start it again: what is
finished is not done twice, and what studies have in common is trained once. Writes
`<out>/<dataset>/<study>/`: `table.md`, `results.json`, for widths `pareto.png`, and of each job
`<variation>-class-<class>-seed-<seed>.json` and, of a detector, `.toml`.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ganad_tf.cli.options import job_options
from ganad_tf.errors import UserError
from ganad_tf.files import remove_leftovers, write_json, write_text
from ganad_tf.jobs import Countdown, Job, Outcome, run_jobs
from tools.classes import class_label
from tools.paper import DATASETS, Refusal, parse_classes
from tools.studies.ablation import ABLATION
from tools.studies.imbalance import IMBALANCE
from tools.studies.study import Study
from tools.studies.table import tabulate, to_json, to_markdown
from tools.studies.tasks import Task, plan
from tools.studies.unseen import UNSEEN
from tools.studies.widths import WIDTHS

STUDIES = {study.name: study for study in (ABLATION, IMBALANCE, UNSEEN, WIDTHS)}


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
    options: dict[str, str]
    folder: Path

    @property
    def command(self) -> str:
        """What makes this table."""
        words = [word for name, value in self.options.items() for word in (f"--{name}", value)]
        return shlex.join(["python", "-m", "tools.studies", *words])

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
@job_options
@click.option(
    "--runs",
    type=click.Path(path_type=Path, resolve_path=True),
    default=Path("runs/studies"),
    help="Where run folders go.  [default: runs/studies]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, resolve_path=True),
    default=Path("docs/results/studies"),
    help="Where results go.  [default: docs/results/studies]",
)
def main(
    name: str,
    dataset: str,
    data_dir: str | None,
    classes: list[int],
    seeds: int,
    epochs: int | None,
    engine: str,
    workers: int,
    threads: int,
    runs: Path,
    out: Path,
) -> None:
    """Fill the table of a study; a table that was begun goes on where it stopped."""
    settings = {"data": {"dataset": dataset, "data_dir": data_dir}, "train": {"epochs": epochs}}
    options = {"study": name, "dataset": dataset, "classes": ",".join(map(str, classes))}
    options |= {"seeds": str(seeds)} | ({} if epochs is None else {"epochs": str(epochs)})
    folder = out / dataset / name
    remove_leftovers(folder)
    try:
        tasks = plan(STUDIES[name], settings, classes, seeds, runs, folder)
        report = Report(STUDIES[name], tasks, options, folder)
        jobs = [task.job() for task in tasks if task.result() is None]
        click.echo(f"{len(tasks)} jobs, {len(tasks) - len(jobs)} of them done already")
        failures = _run(report, jobs, engine, workers, threads)
    except UserError as error:
        raise Refusal(str(error)) from None
    if failures:
        click.echo(f"error: failed: {', '.join(failures)}", err=True)
        sys.exit(1)


def _run(report: Report, jobs: Sequence[Job], engine: str, workers: int, threads: int) -> list[str]:
    failures = []
    countdown = Countdown(len(jobs))
    for outcome in run_jobs(jobs, engine, workers, threads):
        click.echo(countdown.line(_describe(outcome)))
        if outcome.error is None:
            report.write()
        else:
            failures.append(outcome.name)
    if report.study.finish is not None:
        report.study.finish(report.tasks, report.folder)
    click.echo(report.write())
    return failures


def _describe(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"{outcome.name} failed: {outcome.error}"
    estimate = outcome.result.get("float_auroc") or outcome.result["auroc"]
    return f"{outcome.name}: {estimate['value']:.4f}"


if __name__ == "__main__":
    main()
