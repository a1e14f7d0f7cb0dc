"""`ganad-tf evaluate`."""

from pathlib import Path

import click

from ganad_tf.cli.options import find_run, promise_options, run_options
from ganad_tf.cli.tables import print_evaluation
from ganad_tf.system.environment import import_tensorflow_quietly


@click.command("evaluate")
@run_options
@promise_options
def evaluate_command(
    run_folder: Path | None, runs: Path, false_reject_rate: float, confidence: float
) -> None:
    """Set the threshold of a trained run, and measure it on the test split.

    The threshold is a tolerance bound on the good parts of validation: a promise about new good
    parts. Where these are too few for the false-reject rate, it is their largest score, with the
    rate that so many parts can promise.

    Writes metrics.json, roc.png, scores.png and sheet.png. Exports, scores and reports use the
    threshold.
    """
    run = find_run(run_folder, runs)
    import_tensorflow_quietly()
    from ganad_tf.evaluation.evaluate import evaluate

    print_evaluation(evaluate(run, false_reject_rate, confidence))
    click.echo(f"metrics.json, roc.png, scores.png and sheet.png are in {run.folder}")
