"""Times several programs in turns, so that changes of the machine affect all of them alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 15
SECONDS_PER_TURN = 0.15
MICROSECONDS = 1e6


@dataclass(frozen=True)
class Contender:
    """A program to time.

    Attributes:
        name: Label in the results.
        run: One call of the program.
    """

    name: str
    run: Callable[[], object]


def time_in_turns(entries: Sequence[Contender]) -> dict[str, list[float]]:
    """Return the mean microseconds of a call in each round, by contender."""
    calls = {}
    for entry in entries:
        start = time.perf_counter()
        for _ in range(3):
            entry.run()
        calls[entry.name] = max(3, int(SECONDS_PER_TURN * 3 / (time.perf_counter() - start)))
    times: dict[str, list[float]] = {entry.name: [] for entry in entries}
    for _ in range(ROUNDS):
        for entry in entries:
            start = time.perf_counter()
            for _ in range(calls[entry.name]):
                entry.run()
            mean = (time.perf_counter() - start) / calls[entry.name]
            times[entry.name].append(mean * MICROSECONDS)
    return times


def median_ratio(times: dict[str, list[float]], numerator: str, denominator: str) -> float:
    """Return the median over the rounds of one contender's time over another's."""
    pairs = zip(times[numerator], times[denominator], strict=True)
    return statistics.median(a / b for a, b in pairs)
