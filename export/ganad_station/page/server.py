"""The web server of the operator's page, which only reads what `watch` writes."""

import base64
import hashlib
import json
import pkgutil
import re
import socket
import sys
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Callable, Optional
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import bottle

from ganad_station.errors import StationError
from ganad_station.page.guard import Guard
from ganad_station.page.metrics import CONTENT_TYPE, describe_metrics
from ganad_station.page.state import describe_state, read_state
from ganad_station.watching.recent_heatmaps import HEATMAP_FOLDER

PATIENCE_SECONDS = 10


def make_app(folder: Path, token: Optional[str]) -> Guard:
    """Make the WSGI application.

    Args:
        folder: The folder that `watch` writes.
        token: The token that every request needs; None for loopback names without one.
    """
    page = _read_page()
    app = bottle.Bottle()
    app.route("/", callback=lambda: _answer(page, "text/html; charset=utf-8"))
    app.route("/api/state", callback=lambda: _read(lambda: _state(folder), "application/json"))
    app.route(
        "/metrics",
        callback=lambda: _read(lambda: describe_metrics(read_state(folder)), CONTENT_TYPE),
    )
    app.route("/heatmaps/<number:re:[0-9]{1,18}>.png", callback=_heatmaps(folder))
    return Guard(app, token, _policy(page))


def make_server(host: str, port: int, app: Guard) -> "Server":
    """Make a server that listens.

    Args:
        host: Host name or address.
        port: Port number; 0 for any free port.
        app: The application that answers.

    Raises:
        StationError: If the address cannot be used.
    """
    try:
        return Server(host, port, app)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StationError(
            f"cannot listen on {host}, port {port} ({reason}): give another --host or --port"
        ) from None


class Server(ThreadingMixIn, WSGIServer):
    """A server with one thread per request; hanging requests do not keep the program from ending.

    Args:
        host: Host name or address.
        port: Port number; 0 for any free port.
        app: The application that answers.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, app: Guard) -> None:
        self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        super().__init__((host, port), _Handler)
        self.set_app(app)

    @property
    def url(self) -> str:
        """The URL of the page."""
        host, port = self.server_address[:2]
        name = f"[{host!s}]" if self.address_family == socket.AF_INET6 else str(host)
        return f"http://{name}:{port}/"

    def server_bind(self) -> None:
        """Bind without looking up the full name of the machine, which can take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print one line for an error, none for browsers that close the connection."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"request failed: {error!r}", file=sys.stderr, flush=True)


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE_SECONDS

    def log_message(self, format: str, *_arguments: Any) -> None:  # noqa: A002 (the base's name)
        """Log nothing, because the page asks every second."""


def _state(folder: Path) -> str:
    return json.dumps(describe_state(folder, read_state(folder)))


def _read(describe: Callable[[], str], content_type: str) -> bottle.HTTPResponse:
    try:
        return _answer(describe(), content_type)
    except StationError as error:
        return _answer(f"{error}\n", "text/plain; charset=utf-8", 503)


def _answer(text: str, content_type: str, status: int = 200) -> bottle.HTTPResponse:
    headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
    return bottle.HTTPResponse(text.encode("utf-8"), status, headers)


def _heatmaps(folder: Path) -> Callable[[str], bottle.HTTPResponse]:
    def heatmap(number: str) -> bottle.HTTPResponse:
        answer = bottle.static_file(f"{number}.png", str(folder.resolve() / HEATMAP_FOLDER))
        answer.set_header("Cache-Control", "no-cache")
        return answer

    return heatmap


def _read_page() -> str:
    content = pkgutil.get_data("ganad_station.page", "page.html")
    if content is None:
        raise StationError("page.html is missing from the program: copy it again")
    return content.decode("utf-8")


def _policy(page: str) -> str:
    """Return a policy that allows only the page's own script and style, by their hashes."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(page, 'script')}",
            f"style-src {_hash(page, 'style')}",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _hash(page: str, element: str) -> str:
    found = re.search(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
    content = found.group(1) if found else ""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
