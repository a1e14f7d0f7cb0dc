"""How a command ends on an error that the user can correct: one line, and an exit code."""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from ganad_station.exit_codes import INTERRUPTED, USER_ERROR
from ganad_tf.errors import UserError


class Command(click.Command):
    """A command that prints one line for each error that the user can correct.

    Use it as `@click.command(cls=Command)`, or `Group` for a command with subcommands. The exit
    codes are those of `ganad_station.exit_codes`.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command; in standalone mode, exit afterwards."""
        try:
            outcome = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(USER_ERROR)
        except click.ClickException as error:
            _refuse(error.format_message())
        except UserError as error:
            _refuse(str(error), error.exit_code)
        except OSError as error:
            _refuse(str(error))
        except click.Abort:
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)
        return sys.exit(outcome) if standalone_mode else outcome


class Group(Command, click.Group):
    """A group of commands with the errors of `Command`."""


def _refuse(message: str, exit_code: int = USER_ERROR) -> NoReturn:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)
