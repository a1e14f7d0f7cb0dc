"""`ganad-tf score`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganad_station.exit_codes import SUCCESS, USER_ERROR
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
def score_command(
    pictures: Path, run_folder: Path | None, runs: Path, out: Path, heatmaps: Path | None
) -> None:
    """Score PICTURES, a folder with its subfolders or a file, with the float model of a run.

    Decisions are made at the threshold of the run. A picture that cannot be read is named, also in
    the table; the others are scored, and the exit code is 2.
    """
    run = find_run(run_folder, runs)
    click.echo(f"run: {run.folder}, threshold: {describe_threshold(run.threshold)}")
    import_tensorflow_quietly()
    from ganad_tf.evaluation.folder import score_folder

    counts = score_folder(run, pictures, out, heatmaps, _show)
    click.echo(f"scores are in {out}")
    print_table([(name or "unreadable", str(count)) for name, count in counts.items()])
    sys.exit(USER_ERROR if counts[None] else SUCCESS)


def _show(number: int, total: int, scored: "Scored") -> None:
    if scored.problem is not None:
        click.echo(f"warning: {printable(scored.problem)}", err=True)
    if number % PROGRESS_EVERY == 0:
        click.echo(f"{number} of {total} pictures")
