"""Command lines whose mistakes are one line each."""

import argparse
from typing import NoReturn

from ganad_station.errors import StationError


class Parser(argparse.ArgumentParser):
    """A parser that raises `StationError` where argparse prints its usage."""

    def error(self, message: str) -> NoReturn:
        """Refuse a command line."""
        raise StationError(f"{message}: see {self.prog} --help")


def share(text: str) -> float:
    """Read a number between 0 and 1, a millionth or more from either.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not SMALLEST_SHARE <= number <= 1 - SMALLEST_SHARE:
        raise argparse.ArgumentTypeError(f"{text} is no number between 0 and 1, such as 0.01")
    return number


LARGEST = 1_000_000_000
SMALLEST_SHARE = 1e-6


def at_least_one(text: str) -> int:
    """Read a whole number from 1 to a billion.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 to {LARGEST}")
    return int(text)
