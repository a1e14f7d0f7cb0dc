"""Errors that the user can mend."""


class UserError(Exception):
    """Something in the user's input is wrong.

    The message is one line that says what is wrong, where, and what to do; the command line
    prints it and exits with code 2.
    """
