"""What the commands that fill tables share: their options, and the running of their jobs."""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ganad_tf.cli.options import job_options
from ganad_tf.errors import UserError
from ganad_tf.system.jobs import Countdown, Job, run_jobs

DATASETS = ("mnist", "fashion-mnist", "cifar10", "digits")
CLASSES = range(10)
SIDE_CLASSES = (0, 3, 6)
"""Normal classes of the side tables, of which there are too many for all ten."""

Result = dict[str, Any]
Command = Callable[..., None]


class Refusal(click.ClickException):
    """An error that the user can mend."""

    exit_code = 2


@contextmanager
def refusing() -> Iterator[None]:
    """Turn a `UserError` into one line and exit code 2."""
    try:
        yield
    except UserError as error:
        raise Refusal(str(error)) from None


def parse_classes(_context: click.Context, _parameter: click.Parameter, text: str) -> list[int]:
    """Read a list of classes such as `0,3,6`."""
    try:
        classes = [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of classes such as 0,3,6") from None
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
        help=f"Where {what} go.  [default: {default}]",
    )


def table_options(classes: Sequence[int], out: str) -> Callable[[Command], Command]:
    """Return the options of a table: what it is of, how its jobs run, where it goes.

    Args:
        classes: Normal classes, each in turn, by default.
        out: Where results go by default.
    """
    listed = ",".join(map(str, classes))
    options = (
        click.option("--dataset", type=click.Choice(DATASETS), required=True),
        click.option(
            "--data-dir", type=click.Path(resolve_path=True), help="Folder with the data."
        ),
        click.option(
            "--classes",
            default=listed,
            callback=parse_classes,
            help=f"Which classes are normal, each in turn.  [default: {listed}]",
        ),
        click.option("--seeds", type=click.IntRange(1), default=1, show_default=True),
        click.option("--epochs", type=int, help="[default: that of the data set]"),
        job_options,
        folder_option("--out", out, "results"),
    )

    return _chained(options)


def splits_options(out: str) -> Callable[[Command], Command]:
    """Return the options of a table of a folder of pictures, which each seed splits anew.

    Args:
        out: Where results go by default.
    """
    return _chained(
        (
            click.option(
                "--config",
                "config_file",
                type=click.Path(path_type=Path),
                required=True,
                help="TOML file with settings of data and method.",
            ),
            click.option(
                "--data-dir",
                type=click.Path(resolve_path=True),
                required=True,
                help="The pictures.",
            ),
            click.option("--seeds", type=click.IntRange(1), default=3, show_default=True),
            folder_option("--out", out, "results"),
        )
    )


def _chained(options: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def with_options(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


def common_settings(dataset: str, data_dir: str | None, epochs: int | None) -> dict[str, Any]:
    """Return what all jobs of a table have in common, for `ganad_tf.config.make_config`."""
    return {"data": {"dataset": dataset, "data_dir": data_dir}, "train": {"epochs": epochs}}


def run_missing(
    jobs: Sequence[Job],
    describe: Callable[[Result], str],
    after_each: Callable[[], Any] = lambda: None,
    **spread: Any,
) -> list[str]:
    """Run jobs side by side, with a line for each that ends.

    Args:
        jobs: What to run.
        describe: Says what a result is, in a few words.
        after_each: Called after each job that did not fail.
        **spread: What `job_options` gives: engine, workers and threads.

    Returns:
        The names of those that failed.
    """
    failures = []
    countdown = Countdown(len(jobs))
    for outcome in run_jobs(jobs, **spread):
        if outcome.error is not None:
            failures.append(outcome.name)
            click.echo(countdown.line(f"{outcome.name} failed: {outcome.error}"))
        else:
            click.echo(countdown.line(f"{outcome.name}: {describe(outcome.result)}"))
            after_each()
    return failures


def deciding_options(
    dataset: str, classes: Sequence[int], seeds: int, epochs: int | None
) -> dict[str, Any]:
    """Return the options that decide on the content of a table, by name, for `command_line`."""
    options = {"dataset": dataset, "classes": ",".join(map(str, classes)), "seeds": seeds}
    return options if epochs is None else {**options, "epochs": epochs}


def command_line(module: str, options: dict[str, Any]) -> str:
    """Return the command that makes a table again."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return shlex.join(["python", "-m", module, *words])


def announce(total: int, missing: int, prefix: str = "") -> None:
    """Say how many jobs there are, and how many need not be done."""
    click.echo(f"{prefix}{total} jobs, {total - missing} of them done already")


def exit_on(failures: Sequence[str]) -> None:
    """Exit with code 1 if jobs failed."""
    if failures:
        click.echo(f"error: failed: {', '.join(failures)}", err=True)
        sys.exit(1)
