"""`station.pyz watch`: inspect every new picture in a folder."""

import argparse
import signal
import threading
from pathlib import Path
from typing import List

from ganad_station.arguments import at_least_one
from ganad_station.bundle import Bundle
from ganad_station.errors import StationError
from ganad_station.exit_codes import SUCCESS
from ganad_station.inspector import ANY_PICTURE_HELP, Inspector
from ganad_station.journal.writer import Journal
from ganad_station.outputs.delivery import Delivery, Receiver
from ganad_station.outputs.mqtt import MqttBroker
from ganad_station.outputs.webhook import Webhook
from ganad_station.watching.lock import FolderLock
from ganad_station.watching.running_model import RunningModel
from ganad_station.watching.watch import Watch

LONGEST_POLL = 3600
HELP = "Inspect every new picture in a folder once, and record the results."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder where pictures arrive")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the results; made if it is missing",
    )
    parser.add_argument(
        "--poll",
        type=float,
        default=0.5,
        metavar="SECONDS",
        help="time between two scans of FOLDER (default: %(default)s)",
    )
    parser.add_argument("--webhook", metavar="URL", help="POST every result to this URL")
    parser.add_argument(
        "--mqtt", metavar="URL", help="publish every result to mqtt://HOST[:PORT]/TOPIC"
    )
    parser.add_argument(
        "--queue",
        type=at_least_one,
        default=100000,
        metavar="N",
        help="results that may wait for a receiver before inspection stops (default: %(default)s)",
    )
    parser.add_argument("--any-picture", action="store_true", help=ANY_PICTURE_HELP)


def run(arguments: argparse.Namespace) -> int:
    """Watch until SIGTERM or SIGINT."""
    _check(arguments)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    receivers = _receivers(arguments)
    bundle = Bundle.open(arguments.bundle)
    arguments.out.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(arguments.out)
    try:
        inspector = Inspector(
            bundle, accept_failed=arguments.accept_failed, any_picture=arguments.any_picture
        )
        RunningModel.of(inspector.choice).write(arguments.out)
        with Journal.open(arguments.out) as journal:
            journal.set_outputs([receiver.name for receiver in receivers], arguments.queue)
            deliveries = [Delivery(arguments.out, receiver) for receiver in receivers]
            watch = Watch(arguments.folder, arguments.out, inspector, journal, deliveries, lock)
            watch.run(stopping, arguments.poll)
    finally:
        lock.release()
    return SUCCESS


def _receivers(arguments: argparse.Namespace) -> List[Receiver]:
    receivers: List[Receiver] = []
    if arguments.webhook:
        receivers.append(Webhook(arguments.webhook))
    if arguments.mqtt:
        receivers.append(MqttBroker(arguments.mqtt))
    return receivers


def _check(arguments: argparse.Namespace) -> None:
    if not arguments.folder.is_dir():
        raise StationError(
            f"{arguments.folder} is not a folder: give the one where pictures arrive"
        )
    out, folder = arguments.out.resolve(), arguments.folder.resolve()
    if out == folder or out in folder.parents:
        raise StationError("FOLDER is --out or inside it: give another folder for the results")
    if not 0 < arguments.poll <= LONGEST_POLL:
        raise StationError(f"--poll {arguments.poll} must be above 0 and at most {LONGEST_POLL}")
