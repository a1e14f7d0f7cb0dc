"""Errors that the user can correct."""

from collections.abc import Iterator
from contextlib import contextmanager

from ganad_station.errors import StationError
from ganad_station.exit_codes import USER_ERROR


class UserError(Exception):
    """Something in the user's input is wrong.

    The message is one line that says what is wrong, where, and what to do; the command line
    prints it and exits with `exit_code`, which is 2 unless a subclass says otherwise.
    """

    exit_code = USER_ERROR


@contextmanager
def station_errors_as_user_errors() -> Iterator[None]:
    """Raise a `StationError` of the code that training shares with the station as a `UserError`."""
    try:
        yield
    except StationError as error:
        raise UserError(str(error)) from None


def reason(error: Exception) -> str:
    """Return the first line of an exception's message, or its name if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
