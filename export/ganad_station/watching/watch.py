"""The loop of `watch`: every new picture in a folder is inspected and recorded exactly once.

The order of writing makes a kill at any moment harmless: first the heat map is written, then the
row of the journal is committed, then the line of `results.jsonl` is appended. The next start
repairs `results.jsonl` from the journal.

The journal stays small for years: a row is deleted when its picture has been removed from the
folder, it is older than `DAYS_KEPT` days, every output has delivered it, and it is not among the
newest `ROWS_KEPT`. If the same picture comes back after that, it counts as a new part.
"""

import sys
import threading
import time
from pathlib import Path
from typing import Dict, List, Optional

from ganad_station.images import UnreadableImageError
from ganad_station.inspector import Inspection, Inspector
from ganad_station.journal.records import ERROR, Outcome, Part, Queue, Stamp
from ganad_station.journal.times import to_iso
from ganad_station.journal.writer import Journal
from ganad_station.outputs.delivery import Delivery
from ganad_station.outputs.results import ResultsFile
from ganad_station.printing import printable
from ganad_station.watching.arrivals import Arrivals, scan_folder, stamp_of
from ganad_station.watching.lock import FolderLock
from ganad_station.watching.recent_heatmaps import RecentHeatmaps

DAYS_KEPT = 30
ROWS_KEPT = 1000
PRUNING_SECONDS = 3600.0


class Watch:
    """A watched folder.

    Args:
        folder: The folder where pictures arrive; nothing in it is moved or changed.
        out: The folder of results.
        inspector: The bundle that inspects the pictures.
        journal: The journal in `out`.
        deliveries: The outputs that get every part.
        lock: The lock of `out`.
    """

    def __init__(
        self,
        folder: Path,
        out: Path,
        inspector: Inspector,
        journal: Journal,
        deliveries: List[Delivery],
        lock: FolderLock,
    ) -> None:
        self._folder = folder.resolve()
        self._out = out.resolve()
        self._inspector = inspector
        self._threshold = inspector.threshold
        self._journal = journal
        self._results = ResultsFile(out)
        self._heatmaps = RecentHeatmaps(out)
        self._deliveries = deliveries
        self._lock = lock
        self._arrivals = Arrivals(journal.knows)
        self._notice = Notice()
        self._next_pruning = time.monotonic()

    def run(self, stopping: threading.Event, poll: float) -> None:
        """Watch until told to stop.

        Args:
            stopping: Ends the loop after the present part.
            poll: Seconds between two scans of the folder.

        Raises:
            StationError: If results cannot be written; all recorded parts stay.
        """
        self._results.catch_up(self._journal)
        self._heatmaps.prune(self._journal)
        for delivery in self._deliveries:
            delivery.start()
        try:
            while not stopping.is_set():
                self._inspect_arrivals(stopping, poll)
                stopping.wait(poll)
        finally:
            for delivery in self._deliveries:
                delivery.stop()

    def _inspect_arrivals(self, stopping: threading.Event, poll: float) -> None:
        """Inspect the pictures that have become ready since the last scan."""
        self._lock.heartbeat()
        scan = scan_folder(self._folder, self._out)
        self._notice.tell("folder", scan.problem, "can be read again")
        now = time.monotonic()
        for file, stamp in self._arrivals.ready(scan.files, now):
            self._wait_for_room(stopping, poll)
            if stopping.is_set():
                return
            self._inspect(file, stamp, now)
        if scan.problem is None:
            self._prune_when_due(scan.files)

    def _inspect(self, file: str, stamp: Stamp, now: float) -> None:
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
        decision, problem = inspection.decision, inspection.problem
        if problem is not None:
            return Outcome(decision, None, self._threshold, None, problem)
        return Outcome(decision, inspection.score, self._threshold, inspection.seconds, None)

    def _record(
        self, file: str, stamp: Stamp, outcome: Outcome, inspection: Optional[Inspection]
    ) -> None:
        def save(part_id: int) -> None:
            if inspection is not None:
                self._heatmaps.add(part_id, inspection)

        part = self._journal.record(file, stamp, outcome, save)
        self._arrivals.set_done(file)
        self._results.append([part])
        self._heatmaps.prune(self._journal)
        for delivery in self._deliveries:
            delivery.notify()
        print(describe(part), flush=True)

    def _wait_for_room(self, stopping: threading.Event, poll: float) -> None:
        """Wait while the queue of an output is full."""
        while not stopping.is_set():
            self._lock.heartbeat()
            for delivery in self._deliveries:
                delivery.check()
            full = [queue for queue in self._journal.queues() if queue.is_full]
            self._notice.tell("queue", _complaint(full), "there is room again, scoring goes on")
            if not full:
                return
            stopping.wait(poll)

    def _prune_when_due(self, present: Dict[str, Stamp]) -> None:
        # An empty folder may be a network share that is not mounted: pruning its rows would have
        # its pictures inspected again.
        if present and time.monotonic() >= self._next_pruning:
            before = to_iso(time.time() - DAYS_KEPT * 86400)
            self._journal.prune(present, before, ROWS_KEPT)
            self._next_pruning = time.monotonic() + PRUNING_SECONDS


class Notice:
    """Reports each problem on stderr once, and once that it is over."""

    def __init__(self) -> None:
        self._told: Dict[str, str] = {}

    def tell(self, subject: str, problem: Optional[str], relief: str) -> None:
        """Report a change.

        Args:
            subject: What the problem is about, such as `folder`.
            problem: The problem in words, None if there is none.
            relief: The words for its end.
        """
        if problem == self._told.get(subject):
            return
        if problem is None:
            del self._told[subject]
        else:
            self._told[subject] = problem
        print(f"{subject}: {problem or relief}", file=sys.stderr, flush=True)


def describe(part: Part) -> str:
    """Describe a part in one line: time, decision, score, file."""
    score = "      -" if part.score is None else f"{part.score:.5f}"
    line = f"{part.time}  {part.decision:5}  {score}  {printable(part.file)}"
    return line if part.error is None else f"{line}  ({printable(part.error)})"


def _complaint(full: List[Queue]) -> Optional[str]:
    if not full:
        return None
    waiting = ", ".join(f"{queue.size} parts wait for {queue.name}" for queue in full)
    return f"{waiting}: scoring stops until it is back"
