"""`ganad-tf calibrate`."""

from pathlib import Path

import click

from ganad_tf.cli.options import find_run, promise_options, run_options
from ganad_tf.system.environment import import_tensorflow_quietly


@click.command("calibrate")
@click.argument("good", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@run_options
@promise_options
def calibrate_command(
    good: tuple[Path, ...],
    run_folder: Path | None,
    runs: Path,
    false_reject_rate: float,
    confidence: float,
) -> None:
    """Set the threshold of a run and of all its bundles on pictures of GOOD parts.

    GOOD are pictures, or folders of them: one picture per part, and none that was trained on;
    pictures that are the same but for noise count once. The threshold is a tolerance bound, as
    that of `station.pyz calibrate` on a station: at most the false-reject rate of new good parts is
    rejected, with that confidence. Where the pictures are too few for the rate, it is the largest
    score, with the rate that so many can promise. `score`, `report` and later exports use it, too;
    to go back, remove calibration.json from the run folder and from each bundle.
    """
    run = find_run(run_folder, runs)
    import_tensorflow_quietly()
    from ganad_tf.exporting.calibrate import calibrate

    calibrate(run, good, false_reject_rate, confidence)
