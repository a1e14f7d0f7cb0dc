"""`ganad-tf calibrate`."""

from pathlib import Path

import click

from ganad_station.commands.calibrate import CONFIDENCE_HELP, RATE_HELP
from ganad_station.threshold import DEFAULT_CONFIDENCE, DEFAULT_FALSE_REJECT_RATE
from ganad_tf.cli.options import find_run, run_options
from ganad_tf.system.environment import import_tensorflow_quietly

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
    """Set the threshold of a run and of all its bundles on pictures of GOOD parts.

    GOOD are pictures, or folders of them: one picture per part, and none that was trained on. The
    threshold is a tolerance bound, as that of `station.pyz calibrate` on a station: at most the
    false-reject rate of new good parts is rejected, with that confidence. `score`, `report` and
    later exports use it, too; to go back, remove calibration.json.
    """
    run = find_run(run_folder, runs)
    import_tensorflow_quietly()
    from ganad_tf.exporting.calibrate import calibrate

    calibrate(run, good, false_reject_rate, confidence)
