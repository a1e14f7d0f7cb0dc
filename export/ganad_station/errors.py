"""Errors that the person at the station can mend."""


class StationError(Exception):
    """Something is wrong that a person can mend.

    The message is one line that says what is wrong, where, and what to do; the command line
    prints it and exits with code 2.
    """
