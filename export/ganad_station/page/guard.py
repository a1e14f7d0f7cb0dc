"""Access control for the operator's page, as a layer around any WSGI application.

With a token, every request must carry it: as `Authorization: Bearer TOKEN`, or once as
`?token=TOKEN`, which sets a cookie. Without a token, only requests to a loopback name are answered,
so that no other web page can read the station through a host name of its own that points to it.
"""

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

COOKIE = "ganad_station"
COOKIE_ATTRIBUTES = "HttpOnly; SameSite=Strict; Path=/"

Headers = List[Tuple[str, str]]
App = Callable[[Dict[str, Any], Callable], Iterable[bytes]]


class Guard:
    """A WSGI application that forwards allowed requests to another one.

    Args:
        app: The application that answers.
        token: The token that every request needs; None if requests to a loopback name need none.
        policy: The Content-Security-Policy header of all answers.
    """

    def __init__(self, app: App, token: Optional[str], policy: str) -> None:
        self._app = app
        self._token = None if token is None else token.encode("utf-8")
        self._headers = [
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]

    def __call__(self, environ: Dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        """Answer a request."""
        more = list(self._headers)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            return start_response(status, headers + more, exc_info)

        if self._token is None:
            if not is_loopback(_host_of(environ)):
                return _refuse(start, "403 Forbidden", "ask for 127.0.0.1, or set a token\n")
            return self._app(environ, start)
        if self._matches(_query_token(environ)):
            more.append(("Set-Cookie", f"{COOKIE}={self._cookie()}; {COOKIE_ATTRIBUTES}"))
        elif not self._is_known(environ):
            more.append(("WWW-Authenticate", "Bearer"))
            return _refuse(start, "401 Unauthorized", "open this page once with ?token=TOKEN\n")
        return self._app(environ, start)

    def _is_known(self, environ: Dict[str, Any]) -> bool:
        scheme, _, bearer = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == "bearer" and self._matches(bearer.strip().encode("latin-1")):
            return True
        return hmac.compare_digest(_cookie_of(environ).encode("latin-1"), self._cookie().encode())

    def _matches(self, candidate: bytes) -> bool:
        return hmac.compare_digest(candidate, self._token or b"")

    def _cookie(self) -> str:
        """Return the value of the cookie, from which the token cannot be computed."""
        return hmac.new(self._token or b"", COOKIE.encode(), hashlib.sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is a loopback one."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(environ: Dict[str, Any]) -> str:
    try:
        return urlsplit("//" + environ.get("HTTP_HOST", "")).hostname or ""
    except ValueError:
        return ""


def _query_token(environ: Dict[str, Any]) -> bytes:
    values = parse_qs(environ.get("QUERY_STRING", ""), errors="surrogateescape")
    return values.get("token", [""])[0].encode("utf-8", "surrogateescape")


def _cookie_of(environ: Dict[str, Any]) -> str:
    try:
        morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _refuse(start: Callable, status: str, text: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode("utf-8")]
