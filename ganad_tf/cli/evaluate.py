"""`ganad-tf evaluate`."""

from pathlib import Path

import click

from ganad_station.threshold import DEFAULT_FALSE_REJECT_RATE
from ganad_tf.cli.options import find_run, run_options
from ganad_tf.cli.tables import print_evaluation
from ganad_tf.system.environment import import_tensorflow_quietly


@click.command("evaluate")
@run_options
@click.option(
    "--false-reject-rate",
    type=click.FloatRange(0, 1, max_open=True),
    default=DEFAULT_FALSE_REJECT_RATE,
    show_default=True,
    help="The threshold rejects at most this fraction of the normal validation images. It is an "
    "order statistic of their scores; calibrate makes a promise about new parts.",
)
def evaluate_command(run_folder: Path | None, runs: Path, false_reject_rate: float) -> None:
    """Set the threshold of a trained run, and measure it on the test split.

    Writes metrics.json, roc.png, scores.png and sheet.png. Exports, scores and reports use the
    threshold.
    """
    run = find_run(run_folder, runs)
    import_tensorflow_quietly()
    from ganad_tf.evaluation.evaluate import evaluate

    print_evaluation(evaluate(run, false_reject_rate))
    click.echo(f"metrics.json, roc.png, scores.png and sheet.png are in {run.folder}")
    if run.is_calibrated:
        click.echo(
            f"{run.calibration_path} sets another threshold, which is in force: remove it to use "
            "this one"
        )
