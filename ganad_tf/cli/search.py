"""`ganad-tf search`."""

from pathlib import Path
from typing import Any

import click

from ganad_tf.cli.options import (
    config_option,
    job_options,
    read_settings,
    runs_option,
    setting_options,
)
from ganad_tf.config import GENERATOR_LOSSES, RunConfig
from ganad_tf.training.search import Mode, Trial, search

SHOWN = 10


@click.command("search")
@config_option
@setting_options
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.HALVING.value,
    show_default=True,
    help="grid trains all 315 combinations for all epochs; halving trains all for few epochs, the "
    "best third for more, and so on.",
)
@runs_option
@click.option("--name", help="Name of the search folder.  [default: search, data set and class]")
@job_options
def search_command(
    config_file: Path | None,
    mode: str,
    runs: Path,
    name: str | None,
    engine: str,
    workers: int,
    threads: int,
    **flags: Any,
) -> None:
    """Search for the loss weights with the best validation AUROC; a stopped search continues."""
    config = read_settings(config_file, flags)
    folder = runs / (name or _default_name(config))
    result = search(config, folder, Mode(mode), engine, workers, threads)
    _print_best(result.rungs[-1])
    click.echo(f"wrote {folder / 'results.json'}")
    click.echo(f"train with the best: ganad-tf train --config {folder / 'best.toml'}")


def _default_name(config: RunConfig) -> str:
    data = config.data
    return f"search-{data.dataset}-{data.normal_class}"


def _print_best(trials: tuple[Trial, ...]) -> None:
    click.echo(f"best of {len(trials)} on validation after {trials[0].epochs} epochs")
    header = [*(name.replace("_", " ") for name in GENERATOR_LOSSES), " AUROC", "epoch"]
    click.echo("  ".join(header))
    for trial in trials[:SHOWN]:
        if trial.validation_auroc is not None:
            figures = [f"{trial.validation_auroc:.4f}", str(trial.best_epoch)]
            cells = [*map(str, trial.weights), *figures]
            line = "  ".join(
                f"{cell:>{len(title)}}" for cell, title in zip(cells, header, strict=True)
            )
            click.echo(line.rstrip())
