"""`ganad-tf score`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganad_station.exit_codes import SUCCESS, USER_ERROR
from ganad_station.inspector import ANY_PICTURE_HELP
from ganad_station.journal.records import ERROR
from ganad_station.printing import printable
from ganad_station.threshold import describe_threshold
from ganad_tf.cli.options import find_run, run_options
from ganad_tf.cli.tables import print_table
from ganad_tf.system.environment import import_tensorflow_quietly

if TYPE_CHECKING:
    from ganad_tf.evaluation.folder import Scored

PROGRESS_EVERY = 500


@click.command("score")
@click.argument("pictures", type=click.Path(exists=True, path_type=Path))
@run_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("scores.csv"),
    show_default=True,
    help="The table to write: .csv, or .jsonl for one JSON object per line.",
)
@click.option(
    "--heatmaps",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the pictures with their errors in red.",
)
@click.option("--any-picture", is_flag=True, help=f"{ANY_PICTURE_HELP.capitalize()}.")
def score_command(
    pictures: Path,
    run_folder: Path | None,
    runs: Path,
    out: Path,
    heatmaps: Path | None,
    any_picture: bool,
) -> None:
    """Score PICTURES, a folder with its subfolders or a file, with the float model of a run.

    Decisions are made at the threshold of the run. A picture that cannot be read, or is unlike the
    training pictures, is named, also in the table; the others are decided, and the exit code is 2.
    """
    run = find_run(run_folder, runs)
    click.echo(f"run: {run.folder}, threshold: {describe_threshold(run.threshold)}")
    import_tensorflow_quietly()
    from ganad_tf.evaluation.folder import score_folder

    counts = score_folder(run, pictures, out, heatmaps, _show, any_picture)
    click.echo(f"scores are in {out}")
    print_table([(name or "unreadable", str(count)) for name, count in counts.items()])
    sys.exit(USER_ERROR if counts[None] or counts[ERROR] else SUCCESS)


def _show(number: int, total: int, scored: "Scored") -> None:
    if scored.problem is not None:
        name = "" if scored.inspection is None else f"{scored.path} is an error: "
        click.echo(f"warning: {printable(name + scored.problem)}", err=True)
    if number % PROGRESS_EVERY == 0:
        click.echo(f"{number} of {total} pictures")
