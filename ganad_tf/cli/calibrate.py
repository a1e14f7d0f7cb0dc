"""`ganad-tf calibrate`."""

import sys
from pathlib import Path

import click

from ganad_station.calibration import DEFAULT_CONFIDENCE, DEFAULT_RATE
from ganad_station.cli import main as station
from ganad_tf.cli.options import find_run, run_options
from ganad_tf.errors import UserError

SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command("calibrate")
@click.argument("good", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@run_options
@click.option("--false-reject-rate", type=SHARE, default=DEFAULT_RATE, show_default=True)
@click.option("--confidence", type=SHARE, default=DEFAULT_CONFIDENCE, show_default=True)
def calibrate_command(
    good: tuple[Path, ...],
    run_folder: Path | None,
    runs: Path,
    false_reject_rate: float,
    confidence: float,
) -> None:
    """Set the threshold of all bundles of a run on pictures of GOOD parts, or folders of them.

    As `station.pyz calibrate` does on the station: at most the false-reject rate of new good parts
    will be above it, with that confidence. Take one picture of each part, none that was trained on.
    """
    run = find_run(run_folder, runs)
    bundles = run.folder / "bundles"
    folders = sorted(path for path in bundles.glob("*/") if not path.name.startswith("."))
    if not folders:
        raise UserError(f"{run.folder} has no bundles yet: run ganad-tf export first")
    options = [f"--false-reject-rate={false_reject_rate}", f"--confidence={confidence}"]
    codes = []
    for folder in folders:
        click.echo(f"{folder}:")
        command = ["--bundle", str(folder), "calibrate", *options, "--", *map(str, good)]
        codes.append(station(command))
    sys.exit(max(codes))
