"""The `ganad-tf` command."""

import logging
import sys

import click

from ganad_tf import __version__
from ganad_tf.cli.calibrate import calibrate_command
from ganad_tf.cli.check import check_command
from ganad_tf.cli.data import data_group
from ganad_tf.cli.errors import Group
from ganad_tf.cli.evaluate import evaluate_command
from ganad_tf.cli.export import export_command, verify_command
from ganad_tf.cli.init import init_command
from ganad_tf.cli.report import report_command
from ganad_tf.cli.score import score_command
from ganad_tf.cli.search import search_command
from ganad_tf.cli.train import train_command


@click.group(
    cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="ganad-tf")
def cli() -> None:
    """Train a GAN-based visual anomaly detector and export it, verified, as int8."""
    logger = logging.getLogger("ganad_tf")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


for command in (
    init_command,
    train_command,
    evaluate_command,
    export_command,
    verify_command,
    check_command,
    calibrate_command,
    score_command,
    report_command,
    data_group,
    search_command,
):
    cli.add_command(command)
