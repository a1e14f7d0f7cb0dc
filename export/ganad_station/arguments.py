"""Parsing of command lines; each mistake is answered with one line."""

import argparse
from typing import NoReturn

from ganad_station.errors import StationError


class Parser(argparse.ArgumentParser):
    """A parser that raises `StationError` where argparse would print its usage."""

    def error(self, message: str) -> NoReturn:
        """Refuse a command line with a reason."""
        raise StationError(f"{message}: see {self.prog} --help")


LARGEST_INTEGER = 1_000_000_000
SMALLEST_FRACTION = 1e-6


def fraction(text: str) -> float:
    """Read a number between 0 and 1, both excluded by a millionth.

    Raises:
        argparse.ArgumentTypeError: If the text is not such a number.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not SMALLEST_FRACTION <= number <= 1 - SMALLEST_FRACTION:
        raise argparse.ArgumentTypeError(f"{text} is not a number between 0 and 1, such as 0.01")
    return number


def at_least_one(text: str) -> int:
    """Read an integer from 1 to a billion.

    Raises:
        argparse.ArgumentTypeError: If the text is not such an integer.
    """
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_INTEGER:
        raise argparse.ArgumentTypeError(f"{text} is not an integer from 1 to {LARGEST_INTEGER}")
    return int(text)
