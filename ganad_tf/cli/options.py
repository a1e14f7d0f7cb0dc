"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ganad_tf.runs import DEFAULT_RUNS, Run

Command = Callable[..., Any]

RATE_HELP = "Share of good parts that may be rejected; sets the threshold, on validation."
RATE = click.FloatRange(0, 1, max_open=True)
DEFAULT_RATE = 0.01

false_reject_rate_option = click.option(
    "--false-reject-rate", type=RATE, default=DEFAULT_RATE, show_default=True, help=RATE_HELP
)
max_drop_option = click.option(
    "--max-drop",
    type=float,
    default=0.005,
    show_default=True,
    help="Largest drop of AUROC against the float model that passes.",
)
runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=DEFAULT_RUNS,
    show_default=True,
    help="Where run folders are.",
)


def run_options(command: Command) -> Command:
    """Add the options that choose a run."""
    option = click.option(
        "--run",
        "run_folder",
        type=click.Path(path_type=Path),
        help="Run folder.  [default: the newest trained run]",
    )
    return option(runs_option(command))


def find_run(run_folder: Path | None, runs: Path) -> Run:
    """Open the run that was asked for, or the newest trained one."""
    return (
        Run.open(run_folder)
        if run_folder
        else Run.newest(runs, lambda run: run.is_trained, "trained")
    )
