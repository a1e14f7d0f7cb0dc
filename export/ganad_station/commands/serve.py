"""`station.pyz serve`: the operator's page."""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any

from ganad_station.errors import StationError
from ganad_station.exit_codes import SUCCESS
from ganad_station.page.guard import is_loopback

HELP = "Serve the operator's page for a folder that watch writes."
TOKEN_VARIABLE = "GANAD_STATION_TOKEN"  # noqa: S105 (a name)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the --out of watch")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; all but loopback ones need a token (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8080,
        help="port to listen on, 0 for any free port (default: %(default)s)",
    )
    parser.add_argument(
        "--token",
        help=f"token that every request needs (default: the environment variable {TOKEN_VARIABLE})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    token = arguments.token or os.environ.get(TOKEN_VARIABLE) or None
    if token is None and not is_loopback(arguments.host):
        raise StationError(
            f"--host {arguments.host} can be reached by others: give a --token or "
            f"set {TOKEN_VARIABLE}"
        )
    if not arguments.out.is_dir():
        raise StationError(f"{arguments.out} is not a folder: start watch with this --out first")
    from ganad_station.page.server import make_app, make_server

    with make_server(arguments.host, arguments.port, make_app(arguments.out, token)) as server:
        print(server.url, flush=True)
        server.serve_forever()
    return SUCCESS


def _end(*_: Any) -> None:
    sys.exit(SUCCESS)
