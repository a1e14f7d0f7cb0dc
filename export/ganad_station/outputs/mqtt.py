"""MQTT: one message per part, with QoS 1; the broker acknowledges each."""

import importlib
import threading
import urllib.parse
from typing import Any, Tuple

from ganad_station.errors import StationError
from ganad_station.journal.records import Part
from ganad_station.outputs.delivery import DeliveryError, Receiver
from ganad_station.outputs.results import to_json

TIMEOUT_SECONDS = 10.0
DEFAULT_PORT = 1883


class MqttBroker(Receiver):
    """A broker that receives parts on a topic.

    Args:
        url: `mqtt://HOST[:PORT]/TOPIC`.
        timeout: Seconds to wait for an answer.

    Raises:
        StationError: If the URL is not valid, or paho-mqtt is not installed.
    """

    name = "mqtt"

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self.address = url
        self._host, self._port, self._topic = _parse(url)
        self._timeout = timeout
        self._paho = _import_paho()
        self._client: Any = None

    def send(self, part: Part) -> None:
        """Publish a part and wait for the acknowledgement.

        Raises:
            DeliveryError: If there is no acknowledgement in time.
        """
        try:
            if self._client is None:
                self._connect()
            message = self._client.publish(self._topic, to_json(part), qos=1)
            message.wait_for_publish(self._timeout)
            if not message.is_published():
                raise DeliveryError("does not acknowledge")
        except (OSError, RuntimeError) as error:
            self.close()
            raise DeliveryError(f"cannot be reached ({error})") from None
        except DeliveryError:
            # Close the connection, so that what it still holds cannot arrive after a later part.
            self.close()
            raise

    def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _connect(self) -> None:
        answers = []
        answered = threading.Event()

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
            answers.append(reason)
            answered.set()

        self._client = self._paho.Client(self._paho.CallbackAPIVersion.VERSION2)
        self._client.connect_timeout = self._timeout
        self._client.on_connect = on_connect
        self._client.connect(self._host, self._port)
        self._client.loop_start()
        if not answered.wait(self._timeout):
            raise DeliveryError("does not answer")
        if answers[0].is_failure:
            raise DeliveryError(f"refuses the connection ({answers[0]})")


def _parse(url: str) -> Tuple[str, int, str]:
    try:
        parts = urllib.parse.urlsplit(url)
        host, port, topic = parts.hostname or "", parts.port or DEFAULT_PORT, parts.path[1:]
        host.encode("idna")
    except ValueError:
        host = ""
    has_more = any(sign in url for sign in "#+?@")
    if not host or not topic or has_more or parts.scheme != "mqtt":
        raise StationError(f"--mqtt {url} is not an address: give mqtt://HOST[:PORT]/TOPIC")
    return host, port, topic


def _import_paho() -> Any:
    try:
        client: Any = importlib.import_module("paho.mqtt.client")
    except ImportError:
        client = None
    if not hasattr(client, "CallbackAPIVersion"):
        raise StationError("--mqtt needs paho-mqtt 2: pip install paho-mqtt")
    return client
