"""The state of a station in the text format of Prometheus, version 0.0.4."""

from typing import Iterable, Iterator, Tuple

from ganad_station.journal.records import ERROR
from ganad_station.journal.times import from_iso
from ganad_station.page.state import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def describe_metrics(state: State) -> str:
    """Return the metrics of a state; those that are not known yet are left out."""
    return "".join(f"{line}\n" for line in _lines(state))


def _lines(state: State) -> Iterator[str]:
    yield from _metric(
        "ganad_up", "gauge", "Whether watch is running.", [("", int(state.is_running))]
    )
    yield from _metric(
        "ganad_parts_total",
        "counter",
        "Number of parts by decision.",
        [(f'{{decision="{name}"}}', count) for name, count in state.total.items()],
    )
    inspected = sum(count for name, count in state.total.items() if name != ERROR)
    yield from _metric(
        "ganad_inspection_seconds",
        "summary",
        "Time from the file to the decision.",
        [("_sum", state.seconds), ("_count", inspected)],
    )
    yield from _metric(
        "ganad_undelivered_records",
        "gauge",
        "Number of parts that wait for the receiver of an output.",
        [(f'{{output="{queue.name}"}}', queue.undelivered) for queue in state.queues],
    )
    if state.model is not None:
        yield from _metric(
            "ganad_model_verified",
            "gauge",
            "Whether the model is verified to decide like the float model.",
            [("", int(state.model.doubt is None))],
        )
    yield from _newest(state)


def _newest(state: State) -> Iterator[str]:
    if not state.newest:
        return
    newest = state.newest[0]
    yield from _metric(
        "ganad_last_part_timestamp_seconds",
        "gauge",
        "Time of the newest part.",
        [("", from_iso(newest.time))],
    )
    yield from _metric(
        "ganad_threshold", "gauge", "Scores above it are NG.", [("", newest.threshold)]
    )
    scores = [part.score for part in state.newest if part.score is not None]
    if scores:
        yield from _metric(
            "ganad_last_score", "gauge", "Score of the newest part that has one.", [("", scores[0])]
        )


def _metric(name: str, kind: str, text: str, samples: Iterable[Tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for suffix, value in samples:
        yield f"{name}{suffix} {value!r}"
