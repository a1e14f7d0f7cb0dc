"""Errors that the user of a station can correct."""


class StationError(Exception):
    """An error that the user can correct.

    The message is one line that says what is wrong, where, and what to do; the command line
    prints it and exits with `ganad_station.exit_codes.USER_ERROR`.
    """
