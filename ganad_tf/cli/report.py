"""`ganad-tf report`."""

from pathlib import Path

import click

from ganad_tf.cli.options import find_run, run_options
from ganad_tf.system.environment import import_tensorflow_quietly


@click.command("report")
@run_options
def report_command(run_folder: Path | None, runs: Path) -> None:
    """Write report.html into a run: figures, plots, worst cases with heat maps, exported files.

    The decisions in it are made at the threshold of the run.
    """
    run = find_run(run_folder, runs)
    import_tensorflow_quietly()
    from ganad_tf.report import write_report

    click.echo(f"report: {write_report(run)}")
