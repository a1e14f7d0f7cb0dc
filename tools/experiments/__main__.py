"""The tables of docs/results.md.

python -m tools.experiments TABLE ...       makes a table
python -m tools.experiments config ...      writes the configuration of a result as TOML
python -m tools.experiments page            brings the tables in docs/results.md up to date

Every result is a job of its own. Stop a table at any time and start it again: what is finished is
not done twice, and what tables have in common is trained once. A table is a folder: `table.md`,
`results.json` with all that its results are and depend on, and for some a plot.
"""

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from ganad_tf.cli.errors import Group
from ganad_tf.cli.options import job_options
from ganad_tf.config import read_config
from ganad_tf.data.listing import NORMAL
from ganad_tf.data.place import list_pictures
from ganad_tf.system.files import write_text
from tools.experiments.classes import CLASSES, SIDE_CLASSES
from tools.experiments.defects import defect_table
from tools.experiments.page import FOLDER, PAGE, refresh
from tools.experiments.paper import paper_table
from tools.experiments.patchcore import patchcore_table
from tools.experiments.promises import promise_table
from tools.experiments.results import Results
from tools.experiments.runner import fill, shown
from tools.experiments.studies import STUDIES, Study
from tools.experiments.table import Cell, Table

DATASETS = ("mnist", "fashion-mnist", "cifar10", "digits")

Command = Callable[..., None]


@click.group(cls=Group)
def main() -> None:
    """Make the tables of docs/results.md."""


def parse_classes(_context: click.Context, _parameter: click.Parameter, text: str) -> list[int]:
    """Read a list of classes such as `0,3,6`."""
    try:
        classes = [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of classes such as 0,3,6") from None
    for normal_class in classes:
        if normal_class not in CLASSES:
            raise click.BadParameter(f"there is no class {normal_class}: choose from 0 to 9")
    return list(dict.fromkeys(classes))


def folder_option(name: str, default: str, what: str) -> Callable[[Command], Command]:
    """Return an option that takes a folder."""
    return click.option(
        name,
        type=click.Path(path_type=Path, resolve_path=True),
        default=Path(default),
        help=f"Folder of the {what}.  [default: {default}]",
    )


def class_options(classes: Sequence[int], out: str) -> Callable[[Command], Command]:
    """Return the options of a table of a data set.

    Args:
        classes: Default of the normal classes, each in turn.
        out: Default of the folder of the tables.
    """
    listed = ",".join(map(str, classes))
    return _chained(
        click.option("--dataset", type=click.Choice(DATASETS), required=True),
        click.option(
            "--data-dir", type=click.Path(resolve_path=True), help="Folder with the data."
        ),
        click.option(
            "--classes",
            default=listed,
            callback=parse_classes,
            help=f"Classes that are normal, each in turn.  [default: {listed}]",
        ),
        click.option("--seeds", type=click.IntRange(1), default=1, show_default=True),
        click.option("--epochs", type=int, help="[default: that of the data set]"),
        *_running_options(out),
    )


def split_options(out: str) -> Callable[[Command], Command]:
    """Return the options of a table of a folder of pictures, which each seed splits anew.

    Args:
        out: Default of the folder of the table.
    """
    return _chained(
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path, resolve_path=True),
            required=True,
            help="TOML file with settings of data and method.",
        ),
        click.option(
            "--data-dir", type=click.Path(resolve_path=True), required=True, help="The pictures."
        ),
        click.option("--seeds", type=click.IntRange(1), default=3, show_default=True),
        *_running_options(out),
    )


def _running_options(out: str) -> tuple[Callable[[Command], Command], ...]:
    runs = folder_option("--runs", "runs/experiments", "run folders")
    return job_options, folder_option("--out", out, "results"), runs


def _chained(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def with_options(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


@main.command("paper")
@class_options(CLASSES, out="docs/results")
def paper(
    dataset: str,
    data_dir: str | None,
    classes: list[int],
    seeds: int,
    epochs: int | None,
    out: Path,
    **places: Any,
) -> None:
    """One class is normal, each in turn: float and verified int8, as in the paper."""
    command = command_line("paper", dataset=dataset, seeds=seeds, epochs=epochs)
    table = paper_table(common_settings(dataset, data_dir, epochs), seeds, command)
    cells = [cell for cell in table.cells if cell.config.data.normal_class in classes]
    make(table, cells, out / dataset, **places)


def _study_command(study: Study) -> click.Command:
    @click.command(study.name, help=study.question)
    @class_options(SIDE_CLASSES, out="docs/results/studies")
    def command(
        dataset: str,
        data_dir: str | None,
        classes: list[int],
        seeds: int,
        epochs: int | None,
        out: Path,
        **places: Any,
    ) -> None:
        listed = ",".join(map(str, classes))
        words = {"dataset": dataset, "classes": listed, "seeds": seeds, "epochs": epochs}
        settings = common_settings(dataset, data_dir, epochs)
        table = study.table(settings, classes, seeds, command_line(study.name, **words))
        make(table, table.cells, out / dataset / study.name, **places)

    return command


for study in STUDIES:
    main.add_command(_study_command(study))


@main.command("defects")
@split_options(out="docs/results/defects")
def defects(config_file: Path, data_dir: str, seeds: int, out: Path, **places: Any) -> None:
    """Labelled, few and synthetic anomalies of a folder to train on: float and verified int8."""
    kinds = {picture.kind for picture in list_pictures(Path(data_dir)).pictures} - {NORMAL}
    command = split_command_line("defects", config_file, seeds, out)
    table = defect_table(folder_settings(config_file, data_dir), len(kinds), seeds, command)
    make(table, table.cells, out, **places)


@main.command("patchcore")
@split_options(out="docs/results/patchcore")
def patchcore(config_file: Path, data_dir: str, seeds: int, out: Path, **places: Any) -> None:
    """PatchCore, with a network pretrained on ImageNet, on the splits of `defects`."""
    list_pictures(Path(data_dir))  # A missing folder is told before any process starts.
    command = split_command_line("patchcore", config_file, seeds, out)
    table = patchcore_table(folder_settings(config_file, data_dir), seeds, command)
    make(table, table.cells, out, **places)


@main.command("promises")
@split_options(out="docs/results/promises")
def promises(config_file: Path, data_dir: str, seeds: int, out: Path, **places: Any) -> None:
    """False rejects as promised and as measured, on class 0 of data sets and on a folder."""
    list_pictures(Path(data_dir))
    command = split_command_line("promises", config_file, seeds, out)
    layers = folder_settings(config_file, data_dir)
    table = promise_table(config_file.stem, layers, seeds, command)
    make(table, table.cells, out, **places)


@main.command("config")
@click.argument("data_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("row")
def config_command(data_file: Path, row: str) -> None:
    """Write the configuration of a ROW of a results.json as TOML, for ganad-tf train --config."""
    click.echo(Results(data_file.parent).toml(row), nl=False)


@main.command("page")
def page_command() -> None:
    """Bring the tables in docs/results.md up to date with their folders."""
    write_text(PAGE, refresh(PAGE.read_text(encoding="utf-8"), FOLDER, FOLDER.name))


def make(table: Table, cells: Sequence[Cell], folder: Path, runs: Path, **spread: Any) -> None:
    """Fill a table, and exit with code 1 if results could not be made."""
    failures = fill(table, cells, folder, runs, **spread)
    if failures:
        click.echo(f"error: failed: {', '.join(failures)}", err=True)
        sys.exit(1)


def common_settings(dataset: str, data_dir: str | None, epochs: int | None) -> dict[str, Any]:
    """Return the settings of all cells of a table of a data set, for `make_config`."""
    return {"data": {"dataset": dataset, "data_dir": data_dir}, "train": {"epochs": epochs}}


def folder_settings(config_file: Path, data_dir: str) -> tuple[dict[str, Any], ...]:
    """Return the settings of all cells of a table of a folder, for `make_config`."""
    return read_config(config_file), {"data": {"dataset": "folder", "data_dir": data_dir}}


def command_line(name: str, **options: Any) -> str:
    """Return the command that makes a table, with the options that are given."""
    given = {option: value for option, value in options.items() if value is not None}
    words = [word for option, value in given.items() for word in (f"--{option}", str(value))]
    return shlex.join(["python", "-m", "tools.experiments", name, *words])


def split_command_line(name: str, config_file: Path, seeds: int, out: Path) -> str:
    """Return the command that makes a table of a folder, without the local path of the folder."""
    places = {"config": shown(config_file), "data-dir": "DATA_DIR", "seeds": seeds}
    return command_line(name, **places, out=shown(out))


if __name__ == "__main__":
    main()
