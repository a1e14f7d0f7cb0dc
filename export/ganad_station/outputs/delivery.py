"""Delivery of the parts in the journal to a receiver: in order, at least once, in its own thread.

The journal is the queue: it records, for each output, the id of the last part that its receiver has
acknowledged. A part whose acknowledgement was lost is sent again, with the same id.
"""

import sys
import threading
from pathlib import Path
from typing import Optional

from ganad_station.errors import StationError
from ganad_station.journal.records import Part, Queue
from ganad_station.journal.writer import Journal

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
BATCH = 100
GOODBYE_SECONDS = 1.0


class DeliveryError(Exception):
    """A receiver did not accept a part; the message says why."""


class Receiver:
    """The receiver of an output.

    Attributes:
        name: `webhook` or `mqtt`; the name of the output in the journal.
        address: The address that the user gave.
    """

    name: str
    address: str

    def send(self, part: Part) -> None:
        """Send a part and wait until the receiver has it.

        Raises:
            DeliveryError: If the receiver does not acknowledge it.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""


class Delivery:
    """A thread that sends parts to a receiver until it is stopped.

    Args:
        folder: The folder of the journal.
        receiver: The receiver, which only the thread uses.
    """

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self._folder = folder
        self._receiver = receiver
        self._failure: Optional[StationError] = None
        self._news = threading.Event()
        self._stopping = threading.Event()
        # A receiver that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=receiver.name, daemon=True)

    def start(self) -> None:
        """Start with the first part that has not been delivered."""
        self._thread.start()

    def notify(self) -> None:
        """Tell the thread that the journal has a new part."""
        self._news.set()

    def check(self) -> None:
        """Raise `StationError` if the thread has failed."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop the thread; undelivered parts stay in the journal."""
        self._stopping.set()
        self._news.set()
        self._thread.join(GOODBYE_SECONDS)

    def _run(self) -> None:
        try:
            with Journal.open(self._folder) as journal:
                while not self._stopping.is_set():
                    self._news.clear()
                    if not self._deliver_batch(journal):
                        self._news.wait()
        except StationError as error:
            self._failure = error
        finally:
            self._receiver.close()

    def _deliver_batch(self, journal: Journal) -> bool:
        """Deliver some parts; return whether there were any."""
        parts = journal.after(self._queue(journal).delivered, BATCH)
        for part in parts:
            self._deliver(journal, part)
            if self._stopping.is_set():
                break
        return bool(parts)

    def _deliver(self, journal: Journal, part: Part) -> None:
        delay, complaint = FIRST_DELAY, ""
        while not self._stopping.is_set():
            answer = self._send(part)
            if not answer:
                journal.set_delivered(self._receiver.name, part.id)
                if complaint:
                    self._say("is back")
                return
            if answer != complaint:
                complaint = answer
                self._say(f"{complaint}; {self._queue(journal).undelivered} parts wait for it")
            self._stopping.wait(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    def _send(self, part: Part) -> str:
        """Send a part; return why it was not accepted, or an empty string if it was."""
        try:
            self._receiver.send(part)
        except DeliveryError as error:
            return str(error)
        return ""

    def _queue(self, journal: Journal) -> Queue:
        return next(queue for queue in journal.queues() if queue.name == self._receiver.name)

    def _say(self, what: str) -> None:
        print(
            f"{self._receiver.name} {self._receiver.address}: {what}", file=sys.stderr, flush=True
        )
