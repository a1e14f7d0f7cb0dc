"""`ganad-tf evaluate`."""

from pathlib import Path

import click

from ganad_tf.cli.options import false_reject_rate_option, find_run, run_options
from ganad_tf.cli.tables import print_evaluation
from ganad_tf.system.environment import import_tensorflow_quietly


@click.command("evaluate")
@run_options
@false_reject_rate_option
def evaluate_command(run_folder: Path | None, runs: Path, false_reject_rate: float) -> None:
    """Evaluate a finished run on its test split: figures, ROC, histogram, picture sheet."""
    run = find_run(run_folder, runs)
    import_tensorflow_quietly()
    from ganad_tf.evaluation.evaluate import evaluate

    print_evaluation(evaluate(run, false_reject_rate))
    click.echo(f"metrics.json, roc.png, scores.png and sheet.png are in {run.folder}")
