"""Receivers of results: a web server that can misbehave, and a real MQTT broker."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.stations import wait_until


class WebReceiver:
    """A web server that keeps what it accepts; it runs inside a `with` block.

    Attributes:
        status: What it answers.
        is_hanging: Whether it takes requests and does not answer.
        accepted: The parts that it has answered with 2xx.
        refused: How many requests it has not.

    Args:
        port: 0 for any free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.is_hanging = False
        self.accepted: list[dict[str, Any]] = []
        self.refused = 0
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/parts"

    @property
    def ids(self) -> list[int]:
        return [part["id"] for part in self.accepted]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                part = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.headers["Content-Type"] == "application/json"
                status = receiver.status
                if receiver.is_hanging:
                    receiver.refused += 1
                    receiver._closing.wait()
                elif 200 <= status < 300:
                    receiver.accepted.append(part)
                else:
                    receiver.refused += 1
                self.send_response(status)
                self.send_header("Location", receiver.url)
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def program_or_skip(name: str, package: str) -> str:
    """Find a program; without it the test is skipped, but never where CI is set."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing: apt-get install {package}")
    if path is None:
        pytest.skip(f"{name} is missing: apt-get install {package}")
    return path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def mosquitto(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A broker on a loopback port that forgets everything when it ends."""
    program = program_or_skip("mosquitto", "mosquitto")
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type all\n"
    )
    with (folder / "mosquitto.log").open("ab") as log:
        process = subprocess.Popen([program, "-c", str(settings)], stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or _is_open(port))
        assert process.poll() is None, (folder / "mosquitto.log").read_text()
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def subscribed(port: int, topic: str) -> Iterator[list[dict[str, Any]]]:
    """A list that grows by the parts that come in on a topic."""
    from paho.mqtt import client as paho

    parts: list[dict[str, Any]] = []
    ready = threading.Event()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, message: parts.append(json.loads(message.payload))
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.subscribe(topic, qos=1)
    client.loop_start()
    assert ready.wait(30)
    try:
        yield parts
    finally:
        client.disconnect()
        client.loop_stop()


def _is_open(port: int) -> bool:
    with socket.socket() as client:
        is_open = client.connect_ex(("127.0.0.1", port)) == 0
    time.sleep(0 if is_open else 0.02)
    return is_open
