"""The command line of the station."""

import argparse
import importlib
import sys
from pathlib import Path
from typing import List, Optional

from ganad_station.arguments import Parser
from ganad_station.errors import StationError
from ganad_station.exit_codes import INTERRUPTED, USER_ERROR
from ganad_station.printing import printable

COMMANDS = ("score", "watch", "serve", "calibrate", "bench", "selftest")


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command line and return its exit code, see `ganad_station.exit_codes`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        parsed = _parser().parse_args(arguments)
        return parsed.run(parsed)
    except (StationError, OSError) as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="station.pyz", description="Inspect pictures of parts: OK or NG, with a heat map."
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        default=_own_folder(),
        help="folder of the bundle, with manifest.json (default: the folder of station.pyz)",
    )
    parser.add_argument(
        "--accept-failed",
        action="store_true",
        help="use a model although it failed its verification",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module("ganad_station.commands." + name)
        subparser = subparsers.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def _own_folder() -> Path:
    program = Path(sys.argv[0])
    return program.parent if program.suffix == ".pyz" else Path()
