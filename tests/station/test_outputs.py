"""Outputs: the file of JSON lines, a webhook that misbehaves, a real MQTT broker."""

import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ganad_station.errors import StationError
from ganad_station.journal.reader import JournalReader
from ganad_station.journal.records import Queue
from ganad_station.journal.writer import Journal
from ganad_station.outputs import delivery as deliveries
from ganad_station.outputs.delivery import Delivery, Receiver
from ganad_station.outputs.mqtt import MqttBroker
from ganad_station.outputs.results import RESULTS_FILE, ResultsFile
from ganad_station.outputs.webhook import Webhook
from tests.support.journals import add_part
from tests.support.receivers import WebReceiver, free_port, mosquitto, subscribed
from tests.support.stations import records, wait_until, watch


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "FIRST_DELAY", 0.02)
    monkeypatch.setattr(deliveries, "LONGEST_DELAY", 0.1)


@contextmanager
def delivering(journal: Journal, receiver: Receiver) -> Iterator[Delivery]:
    delivery = Delivery(journal.path.parent, receiver)
    delivery.start()
    try:
        yield delivery
    finally:
        delivery.stop()


def queue_of(folder: Path) -> Queue:
    with JournalReader.open(folder) as reader:
        (queue,) = reader.queues()
    return queue


def test_a_file_cut_anywhere_is_mended_from_the_journal(journal: Journal, tmp_path: Path) -> None:
    for score in (0.01, 0.05, None):
        add_part(journal, score)
    path = tmp_path / RESULTS_FILE
    ResultsFile(tmp_path).catch_up(journal)
    whole = path.read_bytes()
    assert [json.loads(line) for line in whole.splitlines()] == [
        part._asdict() for part in journal.after(0, 9)
    ]
    for length in range(len(whole) + 1):
        for rubbish in (b"", bytes(50), b'{"id": 7}'):
            path.write_bytes(whole[:length] + rubbish)
            ResultsFile(tmp_path).catch_up(journal)
            assert path.read_bytes() == whole


def test_a_file_that_was_moved_away_goes_on(journal: Journal, tmp_path: Path) -> None:
    results = ResultsFile(tmp_path)
    results.append([add_part(journal, 0.01)])
    (tmp_path / RESULTS_FILE).rename(tmp_path / "rotated.jsonl")
    results.append([add_part(journal, 0.01)])
    assert [record["id"] for record in records(tmp_path)] == [2]


def test_a_file_that_knows_more_than_the_journal_is_refused(
    journal: Journal, tmp_path: Path
) -> None:
    (tmp_path / RESULTS_FILE).write_text('{"id": 7}\n')
    with pytest.raises(StationError, match=r"ends with id 7, .*sqlite with 0: move results"):
        ResultsFile(tmp_path).catch_up(journal)
    (tmp_path / RESULTS_FILE).write_bytes(bytes(2 << 20))
    with pytest.raises(StationError, match="is damaged, or not of this station: move it away"):
        ResultsFile(tmp_path).catch_up(journal)


def test_a_webhook_gets_every_part_in_order(journal: Journal, tmp_path: Path) -> None:
    journal.set_outputs(["webhook"], 10)
    parts = [add_part(journal, 0.01) for _ in range(150)]
    with WebReceiver() as receiver, delivering(journal, Webhook(receiver.url)) as delivery:
        wait_until(lambda: len(receiver.ids) >= 150)
        parts.append(add_part(journal, 0.05))
        delivery.notify()
        wait_until(lambda: queue_of(tmp_path).undelivered == 0)
    assert receiver.accepted == [part._asdict() for part in parts]
    assert queue_of(tmp_path).delivered == 151


@pytest.mark.parametrize("status", [500, 404, 302])
def test_other_answers_than_2xx_are_tried_again(
    journal: Journal, tmp_path: Path, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    journal.set_outputs(["webhook"], 10)
    parts = [add_part(journal, 0.01) for _ in range(3)]
    with WebReceiver() as receiver, delivering(journal, Webhook(receiver.url)):
        receiver.status = status
        wait_until(lambda: receiver.refused >= 3)
        assert queue_of(tmp_path).undelivered > 0
        receiver.status = 204
        wait_until(lambda: queue_of(tmp_path).undelivered == 0)
        assert receiver.ids[-1] == parts[-1].id
        assert sorted(receiver.ids) == receiver.ids
    complaint, relief = capfd.readouterr().err.splitlines()
    assert f"answers {status}" in complaint
    assert "parts wait for it" in complaint
    assert "is back" in relief


def test_a_webhook_that_is_away_gets_all_when_it_comes_back(
    journal: Journal, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    journal.set_outputs(["webhook"], 10)
    port = free_port()
    with delivering(journal, Webhook(f"http://127.0.0.1:{port}/parts")) as delivery:
        for _ in range(5):
            add_part(journal, 0.01)
        delivery.notify()
        seen = ""

        def is_said() -> bool:
            nonlocal seen
            seen += capfd.readouterr().err
            return "cannot be reached" in seen

        wait_until(is_said)
        with WebReceiver(port) as receiver:
            wait_until(lambda: queue_of(tmp_path).undelivered == 0)
            assert receiver.ids == [1, 2, 3, 4, 5]


def test_a_webhook_that_hangs_ends_after_its_time(journal: Journal, tmp_path: Path) -> None:
    journal.set_outputs(["webhook"], 10)
    add_part(journal, 0.01)
    with WebReceiver() as receiver, delivering(journal, Webhook(receiver.url, timeout=0.2)):
        receiver.is_hanging = True
        wait_until(lambda: receiver.refused >= 2)
        receiver.is_hanging = False
        wait_until(lambda: queue_of(tmp_path).undelivered == 0)
        assert receiver.ids == [1]


def test_a_hanging_webhook_delays_neither_inspection_nor_the_end(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(part_pictures, folder)
    with WebReceiver() as receiver:
        receiver.is_hanging = True
        with watch(bundle_folder, folder, out, "--webhook", receiver.url) as station:
            station.wait_for(lambda: len(records(out)) == 20 and receiver.refused)
            assert queue_of(out).undelivered == 20
            assert station.terminate() == 0
        receiver.is_hanging = False
        with watch(bundle_folder, folder, out, "--webhook", receiver.url) as station:
            station.wait_for(lambda: len(receiver.ids) == 20)
            assert station.terminate() == 0
    assert receiver.accepted == records(out)


def test_a_full_queue_stops_inspection_until_the_receiver_is_back(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(part_pictures, folder)
    with WebReceiver() as receiver:
        receiver.status = 503
        options = ("--webhook", receiver.url, "--queue", 5)
        with watch(bundle_folder, folder, out, *options) as station:
            station.wait_for(lambda: "5 parts wait for webhook" in station.errors)
            assert len(records(out)) == 5
            receiver.status = 200
            station.wait_for(lambda: len(receiver.ids) >= 20)
            assert "scoring goes on" in station.errors
            assert station.terminate() == 0
    assert receiver.accepted == records(out)
    assert len(records(out)) == 20


def test_kills_repeat_deliveries_at_most_and_keep_their_order(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    pictures = sorted(part_pictures.iterdir())
    with WebReceiver() as receiver:
        for turn in range(5):
            for index, picture in enumerate(pictures):
                shutil.copy(picture, folder / f"{turn}-{index}.png")
            before = len(receiver.ids)
            with watch(bundle_folder, folder, out, "--webhook", receiver.url) as station:
                station.wait_for(lambda: len(receiver.ids) > before + 5)  # noqa: B023
        with watch(bundle_folder, folder, out, "--webhook", receiver.url) as station:
            station.wait_for(lambda: 100 in receiver.ids)
            assert station.terminate() == 0
    assert sorted(set(receiver.ids)) == list(range(1, 101))
    assert sorted(receiver.ids) == receiver.ids
    assert len(receiver.ids) <= 100 + 5


def test_mqtt_gets_every_part_also_after_the_broker_was_away(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    folder, out, port = tmp_path / "in", tmp_path / "out", free_port()
    folder.mkdir()
    first, second, third = sorted(part_pictures.iterdir())[:3]
    address = f"mqtt://127.0.0.1:{port}/line/3"
    with mosquitto(tmp_path, port), subscribed(port, "line/3") as parts:
        with watch(bundle_folder, folder, out, "--mqtt", address) as station:
            shutil.copy(first, folder)
            station.wait_for(lambda: len(parts) == 1)
            assert station.terminate() == 0
        assert parts == records(out)
    with watch(bundle_folder, folder, out, "--mqtt", address) as station:
        shutil.copy(second, folder)
        station.wait_for(lambda: "cannot be reached" in station.errors)
        shutil.copy(third, folder)
        station.wait_for(lambda: len(records(out)) == 3)
        assert queue_of(out).undelivered == 2
        with mosquitto(tmp_path, port):
            station.wait_for(lambda: queue_of(out).undelivered == 0)
            assert station.terminate() == 0
    assert (tmp_path / "mosquitto.log").read_text().count("Received PUBLISH") == 3


def test_a_broker_that_hangs_is_tried_again(
    journal: Journal, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    journal.set_outputs(["mqtt"], 10)
    add_part(journal, 0.01)
    port = free_port()
    seen = ""

    def is_said() -> bool:
        nonlocal seen
        seen += capfd.readouterr().err
        return "does not answer" in seen

    with mosquitto(tmp_path, port) as broker, subscribed(port, "parts") as parts:
        broker.send_signal(signal.SIGSTOP)
        with delivering(journal, MqttBroker(f"mqtt://127.0.0.1:{port}/parts", timeout=0.3)):
            wait_until(is_said)
            broker.send_signal(signal.SIGCONT)
            wait_until(lambda: queue_of(tmp_path).undelivered == 0 and parts)
    assert {part["id"] for part in parts} == {1}


@pytest.mark.parametrize(
    "url", ["", "host", "ftp://host/", "http://", "http://host:x/", "http://a b/", "http://a..b/"]
)
def test_webhook_addresses_that_are_none(url: str) -> None:
    with pytest.raises(StationError, match="is not an address: give http://HOST"):
        Webhook(url)


@pytest.mark.parametrize(
    "url", ["host", "mqtt://host", "mqtt:///topic", "mqtt://h/a/#", "mqtt://h/+", "http://h/topic"]
)
def test_mqtt_addresses_that_are_none(url: str) -> None:
    with pytest.raises(StationError, match="is not an address: give mqtt://HOST"):
        MqttBroker(url)


def test_mqtt_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(StationError, match="pip install paho-mqtt"):
        MqttBroker("mqtt://host/topic")


def test_a_delivery_that_cannot_go_on_says_so(journal: Journal, tmp_path: Path) -> None:
    journal.set_outputs(["webhook"], 10)
    delivery = Delivery(tmp_path / "none", Webhook("http://127.0.0.1:9/"))
    delivery.start()
    delivery.stop()
    with pytest.raises(StationError, match="cannot be used"):
        delivery.check()
