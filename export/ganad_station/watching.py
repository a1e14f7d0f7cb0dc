"""The station at work: every new picture in a folder is inspected and recorded exactly once.

The order makes a kill at any moment harmless. A heat map is written, then the journal's row is
committed, then the line of `results.jsonl` is appended; a start repairs the last and takes the
others up from the journal.

So that the journal stays small for years, a row goes when its picture is gone from the folder,
it is older than `DAYS_KEPT`, every output has delivered it, and it is not among the newest
`ROWS_KEPT`. A picture that comes back after that, with the same time of change, is a new part.
"""

import sys
import threading
import time
from pathlib import Path
from typing import Dict, List, Optional

from ganad_station.arrivals import Arrivals, look, stamp_of
from ganad_station.claim import Claim
from ganad_station.images import UnreadableImageError
from ganad_station.inspector import Inspection, Inspector
from ganad_station.journal import ERROR, NG, OK, Journal, Outcome, Part, Queue, Stamp, to_iso
from ganad_station.outputs.delivery import Delivery
from ganad_station.outputs.results import ResultsFile
from ganad_station.printing import printable
from ganad_station.shelf import Shelf

DAYS_KEPT = 30
ROWS_KEPT = 1000
PRUNING_SECONDS = 3600.0


class Watch:
    """A folder that is watched.

    Args:
        folder: Where pictures arrive; nothing in it is moved or changed.
        out: Where results go, held by `claim`.
        inspector: Decides.
        journal: In `out`.
        deliveries: The outputs.
        claim: To `out`.
    """

    def __init__(
        self,
        folder: Path,
        out: Path,
        inspector: Inspector,
        journal: Journal,
        deliveries: List[Delivery],
        claim: Claim,
    ) -> None:
        self._folder = folder.resolve()
        self._out = out.resolve()
        self._inspector = inspector
        self._threshold = inspector.bundle.threshold
        self._journal = journal
        self._results = ResultsFile(out)
        self._shelf = Shelf(out)
        self._deliveries = deliveries
        self._claim = claim
        self._arrivals = Arrivals(journal.knows)
        self._notice = Notice()
        self._next_pruning = time.monotonic()

    def run(self, stopping: threading.Event, poll: float) -> None:
        """Watch until told to stop.

        Args:
            stopping: Ends it after the part at hand.
            poll: Seconds between two looks into the folder.

        Raises:
            StationError: If results cannot be written; all that was recorded stays.
        """
        self._results.catch_up(self._journal)
        self._shelf.tidy(self._journal)
        for delivery in self._deliveries:
            delivery.start()
        try:
            while not stopping.is_set():
                self._look(stopping, poll)
                stopping.wait(poll)
        finally:
            for delivery in self._deliveries:
                delivery.stop()

    def _look(self, stopping: threading.Event, poll: float) -> None:
        """Take what has arrived since the last look."""
        self._claim.renew()
        sight = look(self._folder, self._out)
        self._notice.tell("folder", sight.problem, "can be read again")
        now = time.monotonic()
        for file, stamp in self._arrivals.ready(sight.files, now):
            self._wait_for_room(stopping, poll)
            if stopping.is_set():
                return
            self._take(file, stamp, now)
        if sight.problem is None:
            self._prune_when_due(sight.files)

    def _take(self, file: str, stamp: Stamp, now: float) -> None:
        """Inspect a picture and record it, unless it is still being written."""
        path = self._folder / file
        if stamp_of(path) != stamp:
            return
        inspection: Optional[Inspection] = None
        try:
            inspection = self._inspector.inspect(path)
            outcome = self._decide(inspection)
        except UnreadableImageError as error:
            if not self._arrivals.is_final(file, now):
                self._arrivals.set_broken(file)
                return
            outcome = Outcome(ERROR, None, self._threshold, None, str(error))
        if stamp_of(path) == stamp:
            self._record(file, stamp, outcome, inspection)

    def _decide(self, inspection: Inspection) -> Outcome:
        decision = NG if inspection.is_ng else OK
        return Outcome(decision, inspection.score, self._threshold, inspection.seconds, None)

    def _record(
        self, file: str, stamp: Stamp, outcome: Outcome, inspection: Optional[Inspection]
    ) -> None:
        def save(part_id: int) -> None:
            if inspection is not None:
                self._shelf.put(part_id, inspection)

        part = self._journal.record(file, stamp, outcome, save)
        self._arrivals.set_done(file)
        self._results.append([part])
        self._shelf.tidy(self._journal)
        for delivery in self._deliveries:
            delivery.notify()
        print(describe(part), flush=True)

    def _wait_for_room(self, stopping: threading.Event, poll: float) -> None:
        """Stop the line of parts while a receiver has too many to catch up with."""
        while not stopping.is_set():
            self._claim.renew()
            for delivery in self._deliveries:
                delivery.check()
            full = [queue for queue in self._journal.queues() if queue.is_full]
            self._notice.tell("queue", _complaint(full), "there is room again, scoring goes on")
            if not full:
                return
            stopping.wait(poll)

    def _prune_when_due(self, present: Dict[str, Stamp]) -> None:
        # A folder that shows nothing may be a share that is not mounted: forgetting its
        # pictures would score them again.
        if present and time.monotonic() >= self._next_pruning:
            before = to_iso(time.time() - DAYS_KEPT * 86400)
            self._journal.prune(present, before, ROWS_KEPT)
            self._next_pruning = time.monotonic() + PRUNING_SECONDS


class Notice:
    """Says on stderr what is wrong once, and once that it is over."""

    def __init__(self) -> None:
        self._told: Dict[str, str] = {}

    def tell(self, subject: str, problem: Optional[str], relief: str) -> None:
        """Say what is new about a subject.

        Args:
            subject: What it is about.
            problem: What is wrong; None if nothing is.
            relief: What to say when it is over.
        """
        if problem == self._told.get(subject):
            return
        if problem is None:
            del self._told[subject]
        else:
            self._told[subject] = problem
        print(f"{subject}: {problem or relief}", file=sys.stderr, flush=True)


def describe(part: Part) -> str:
    """Write a part as one line for people: time, decision, score, file."""
    score = "      -" if part.score is None else f"{part.score:.5f}"
    line = f"{part.time}  {part.decision:5}  {score}  {printable(part.file)}"
    return line if part.error is None else f"{line}  ({printable(part.error)})"


def _complaint(full: List[Queue]) -> Optional[str]:
    if not full:
        return None
    waiting = ", ".join(f"{queue.size} parts wait for {queue.name}" for queue in full)
    return f"{waiting}: scoring stops until it is back"
