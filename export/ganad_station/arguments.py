"""Command lines whose mistakes are one line each."""

import argparse
from typing import NoReturn

from ganad_station.errors import StationError


class Parser(argparse.ArgumentParser):
    """A parser that raises `StationError` where argparse prints its usage."""

    def error(self, message: str) -> NoReturn:
        """Refuse a command line."""
        raise StationError(f"{message}: see {self.prog} --help")


LARGEST = 1_000_000_000


def at_least_one(text: str) -> int:
    """Read a whole number from 1 to a billion.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 to {LARGEST}")
    return int(text)
