"""The `ganad-tf` command."""

import logging
import sys
from typing import Any

import click

from ganad_tf import __version__
from ganad_tf.cli.evaluate import evaluate_command
from ganad_tf.cli.export import export_command, verify_command
from ganad_tf.cli.train import train_command
from ganad_tf.errors import UserError

USER_ERROR = 2


class Cli(click.Group):
    """A group that answers a `UserError` with one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(USER_ERROR)


@click.group(
    cls=Cli, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
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


for command in (train_command, evaluate_command, export_command, verify_command):
    cli.add_command(command)
