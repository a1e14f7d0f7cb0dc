"""The state of a station, read from the folder that `watch` writes."""

import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from ganad_station.journal.connection import JOURNAL_FILE
from ganad_station.journal.reader import JournalReader
from ganad_station.journal.records import DECISIONS, NG, Part, Queue
from ganad_station.journal.times import from_iso, today
from ganad_station.watching.lock import is_watch_running
from ganad_station.watching.recent_heatmaps import HEATMAP_FOLDER
from ganad_station.watching.running_model import RunningModel

TREND = 200
SHOWN_NG = 12


class State(NamedTuple):
    """The state of a station at one moment.

    Attributes:
        is_running: Whether `watch` is running.
        newest: The newest parts, newest first, at most `TREND`.
        newest_ng: The newest NG parts, newest first, at most `SHOWN_NG`.
        today: Number of parts by decision, since midnight local time.
        total: Number of parts by decision, since the journal began.
        seconds: Total time of all inspections.
        queues: The queue of each output.
        model: The model that `watch` runs, or ran last; None if that is not recorded.
    """

    is_running: bool
    newest: List[Part]
    newest_ng: List[Part]
    today: Dict[str, int]
    total: Dict[str, int]
    seconds: float
    queues: List[Queue]
    model: Optional[RunningModel]


def read_state(folder: Path) -> State:
    """Read the state of a station; it is empty before `watch` has run for the first time.

    Raises:
        StationError: If the journal or the record of the model cannot be read.
    """
    if not (folder / JOURNAL_FILE).exists():
        nothing = dict.fromkeys(DECISIONS, 0)
        return State(False, [], [], nothing, nothing, 0.0, [], None)
    with JournalReader.open(folder) as journal:
        return State(
            is_watch_running(folder),
            journal.newest(TREND),
            journal.newest_with(NG, SHOWN_NG),
            journal.counts(today()),
            journal.counts(),
            journal.total_seconds(),
            journal.queues(),
            RunningModel.read(folder),
        )


def describe_state(folder: Path, state: State) -> Dict[str, Any]:
    """Return a state as the JSON object of `GET /api/state`.

    Args:
        folder: The folder that `watch` writes.
        state: The state of that folder.
    """
    return {
        "name": folder.resolve().name,
        "is_running": state.is_running,
        "seconds_since_last": _seconds_since(state.newest),
        "latest": _with_heatmap(folder, state.newest[0]) if state.newest else None,
        "today": state.today,
        "total": state.total,
        "trend": [
            {"id": part.id, "decision": part.decision, "score": part.score}
            for part in reversed(state.newest)
        ],
        "newest_ng": [_with_heatmap(folder, part) for part in state.newest_ng],
        "outputs": [
            {"name": queue.name, "undelivered": queue.undelivered, "is_full": queue.is_full}
            for queue in state.queues
        ],
        "model": None if state.model is None else state.model._asdict(),
    }


def _seconds_since(newest: List[Part]) -> Optional[float]:
    return max(0.0, time.time() - from_iso(newest[0].time)) if newest else None


def _with_heatmap(folder: Path, part: Part) -> Dict[str, Any]:
    name = f"{HEATMAP_FOLDER}/{part.id}.png"
    return {**part._asdict(), "heatmap": name if (folder / name).exists() else None}
