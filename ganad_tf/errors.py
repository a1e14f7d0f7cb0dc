"""Errors that the user can mend."""


class UserError(Exception):
    """Something in the user's input is wrong.

    The message is one line that says what is wrong, where, and what to do; the command line
    prints it and exits with code 2.
    """


def reason(error: Exception) -> str:
    """Return the first line of an exception's message, or its name if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
