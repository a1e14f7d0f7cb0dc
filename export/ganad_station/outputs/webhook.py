"""HTTP webhook: one POST of JSON per part; any 2xx status acknowledges it."""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ganad_station.errors import StationError
from ganad_station.journal.records import Part
from ganad_station.outputs.delivery import DeliveryError, Receiver
from ganad_station.outputs.results import to_json

TIMEOUT_SECONDS = 10.0


class Webhook(Receiver):
    """An HTTP server that receives parts.

    Args:
        url: Address that starts with `http://` or `https://`.
        timeout: Seconds to wait for an answer.

    Raises:
        StationError: If the URL is not valid.
    """

    name = "webhook"

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self.address = url
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirects)
        _check(url)

    def send(self, part: Part) -> None:
        """Send a part as JSON and wait for a 2xx.

        Raises:
            DeliveryError: If there is no answer in time, or one with another status.
        """
        request = urllib.request.Request(  # noqa: S310 (the scheme was checked)
            self.address,
            to_json(part).encode("ascii"),
            {"Content-Type": "application/json", "User-Agent": "ganad_station"},
        )
        try:
            self._opener.open(request, timeout=self._timeout).close()
        except urllib.error.HTTPError as error:
            error.close()
            raise DeliveryError(f"answers {error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            raise DeliveryError(f"cannot be reached ({error.reason})") from None
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryError(f"does not answer ({error or type(error).__name__})") from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without the part."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Follow no redirect, so that the answer counts as an error."""


def _check(url: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
        url.encode("ascii")
    except ValueError:
        host, port = "", None
    if not host or port == 0 or " " in url or "@" in url or parts.scheme not in ("http", "https"):
        raise StationError(f"--webhook {url} is not an address: give http://HOST[:PORT]/PATH")
