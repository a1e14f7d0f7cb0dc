"""`ganad-tf calibrate`."""

from pathlib import Path

import click

from ganad_station.commands.calibrate import CONFIDENCE_HELP, RATE_HELP, calibrate_bundle
from ganad_station.errors import StationError
from ganad_station.threshold import DEFAULT_CONFIDENCE, DEFAULT_FALSE_REJECT_RATE
from ganad_tf.cli.options import find_run, run_options
from ganad_tf.errors import UserError

FRACTION = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command("calibrate")
@click.argument("good", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@run_options
@click.option(
    "--false-reject-rate",
    type=FRACTION,
    default=DEFAULT_FALSE_REJECT_RATE,
    show_default=True,
    help=f"{RATE_HELP[0].upper()}{RATE_HELP[1:]}.",
)
@click.option(
    "--confidence",
    type=FRACTION,
    default=DEFAULT_CONFIDENCE,
    show_default=True,
    help=f"{CONFIDENCE_HELP[0].upper()}{CONFIDENCE_HELP[1:]}.",
)
def calibrate_command(
    good: tuple[Path, ...],
    run_folder: Path | None,
    runs: Path,
    false_reject_rate: float,
    confidence: float,
) -> None:
    """Set the threshold of all bundles of a run on pictures of GOOD parts, or folders of them.

    As `station.pyz calibrate` does on the station. The threshold is a tolerance bound: at most the
    false-reject rate of new good parts is rejected, with that confidence. Take one picture per
    part, and none that was trained on.
    """
    run = find_run(run_folder, runs)
    bundles = run.folder / "bundles"
    folders = sorted(path for path in bundles.glob("*/") if not path.name.startswith("."))
    if not folders:
        raise UserError(f"{run.folder} has no bundles yet: run ganad-tf export first")
    for folder in folders:
        click.echo(f"{folder}:")
        try:
            calibrate_bundle(folder, good, false_reject_rate, confidence)
        except StationError as error:
            raise UserError(str(error)) from None
