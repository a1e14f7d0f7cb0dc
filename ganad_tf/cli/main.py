"""The `ganad-tf` command."""

import logging
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from ganad_tf import __version__
from ganad_tf.cli.calibrate import calibrate_command
from ganad_tf.cli.check import check_command
from ganad_tf.cli.data import data_group
from ganad_tf.cli.evaluate import evaluate_command
from ganad_tf.cli.export import export_command, verify_command
from ganad_tf.cli.report import report_command
from ganad_tf.cli.score import score_command
from ganad_tf.cli.search import search_command
from ganad_tf.cli.train import train_command
from ganad_tf.errors import UserError

USER_ERROR = 2
INTERRUPTED = 130


class Cli(click.Group):
    """A group that answers whatever the user can mend with one line and exit code 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; in standalone mode, exit afterwards."""
        try:
            outcome = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(USER_ERROR)
        except click.ClickException as error:
            _refuse(error.format_message())
        except (UserError, OSError) as error:
            _refuse(str(error))
        except click.Abort:
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)
        return sys.exit(outcome) if standalone_mode else outcome


def _refuse(message: str) -> NoReturn:
    click.echo(f"error: {' '.join(message.split())}", err=True)
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


for command in (
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
