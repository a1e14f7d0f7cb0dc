"""Fills a table: makes the results that are missing, side by side, and writes them as they come."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ganad_tf.config import to_toml
from ganad_tf.system.files import remove_leftovers, write_text
from ganad_tf.system.jobs import Countdown, Job, run_jobs
from tools.experiments.results import FILE, Results
from tools.experiments.table import Cell, Filled, Result, Table

PAGE = "table.md"


def fill(table: Table, cells: Sequence[Cell], folder: Path, runs: Path, **spread: Any) -> list[str]:
    """Make the missing results of a table, and print and write its page.

    A table that was begun goes on where it stopped: results with the same settings are kept, and
    the work takes up run folders that are there.

    Args:
        table: The table to fill.
        cells: The cells to fill; the others are shown if there are results.
        folder: The folder of the table: data file, page and plot go there.
        runs: The folder of the run folders.
        **spread: Engine, workers and threads, see `ganad_tf.system.jobs.run_jobs`.

    Returns:
        The names of the results that could not be made.

    Raises:
        UserError: If the data file is damaged, or something is not installed.
    """
    results = Results(folder)
    present = results.of(cells)
    missing = {cell.name: cell for cell in cells if cell.name not in present}
    click.echo(f"{len(cells)} jobs, {len(present)} of them done already")
    if missing and table.check is not None:
        table.check()
    remove_leftovers(folder)
    failures = []
    countdown = Countdown(len(missing))
    for outcome in run_jobs([_job(cell, runs) for cell in missing.values()], **spread):
        if outcome.error is not None:
            failures.append(outcome.name)
            click.echo(countdown.line(f"{outcome.name} failed: {outcome.error}"))
            continue
        click.echo(countdown.line(f"{outcome.name}: {_describe(outcome.result)}"))
        row = make_row(missing[outcome.name], outcome.result, results.path)
        results.update(table, {outcome.name: row})
        write(table, folder)
    if table.finish is not None:
        results.update(table, table.finish(Filled(table, results.of(table.cells)), runs))
    click.echo(write(table, folder))
    return failures


def _job(cell: Cell, runs: Path) -> Job:
    return Job(cell.name, cell.work, (cell.config, runs / cell.run_name))


def _describe(result: Result) -> str:
    text = f"float {result['float_auroc']['value']:.4f}"
    if "int8_auroc" in result:
        difference = result["difference"]["value"]
        text += f", int8 {result['int8_auroc']:.4f} ({difference:+.4f})"
    return text


def make_row(cell: Cell, result: Result, path: Path) -> Result:
    """Return a result as the data file has it: what it is of, its configuration, its figures.

    Args:
        cell: The cell that the result belongs to.
        result: What its work returned.
        path: The data file, for the command that repeats the result.
    """
    place = {"label": cell.label, **({"class": cell.column} if cell.column else {})}
    row = {
        "name": cell.name,
        **place,
        "seed": cell.config.seed,
        "config": tomllib.loads(to_toml(cell.config.portable())),
        **result,
    }
    if "command" in result:
        words = f"python -m tools.experiments config {shown(path)} {cell.name}"
        row["command"] = f"{words} > {cell.run_name}.toml && {result['command']}"
    return row


def shown(path: Path) -> Path:
    """Return a path as a command for other machines has it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)


def write(table: Table, folder: Path) -> str:
    """Write the page and the plot of the results that there are, and return the page."""
    filled = Filled(table, Results(folder).of(table.cells))
    text = (
        f"{table.page(filled)}\nMade by `{table.command}`. Figures, intervals, configuration and "
        f"command of each result: [{FILE}]({FILE}).\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / PAGE, text)
    if table.plot is not None and filled.results:
        table.plot(filled, folder)
    return text
