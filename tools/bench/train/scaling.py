"""Time and memory of our training step as images and batches grow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.bench.train.cases import Case
from tools.bench.train.children import measure
from tools.bench.train.comparison import total_multiply_adds


@dataclass(frozen=True)
class Point:
    """One case of the grid.

    Attributes:
        case: What was measured.
        seconds: Duration of a step.
        memory: Bytes that training needed on top of what was resident before it.
        multiply_adds: Multiply-adds of a step.
        peak: Multiply-adds per second of a large product.
    """

    case: Case
    seconds: float
    memory: int
    multiply_adds: int
    peak: float

    @property
    def peak_fraction(self) -> float:
        """The multiply-adds per second of the step over those of the product."""
        return self.multiply_adds / self.seconds / self.peak

    def summary(self) -> dict[str, Any]:
        """Return all of it for a JSON file."""
        return {
            "shape": self.case.shape,
            "batch": self.case.batch,
            "threads": self.case.threads,
            "seconds_per_step": self.seconds,
            "images_per_second": 2 * self.case.batch / self.seconds,
            "memory_bytes": self.memory,
            "multiply_adds": self.multiply_adds,
            "peak_multiply_adds_per_second": self.peak,
            "fraction_of_peak": self.peak_fraction,
        }


def scale(cases: list[Case], memory_limit: float) -> Iterator[Point]:
    """Measure each case in a process of its own, from the smallest to the largest.

    A case is left out where it would need more memory than the limit, if memory grew with the
    pixels of a batch from the largest case that was measured. That overestimates, because part
    of the memory is there at every shape.

    Args:
        cases: What to measure; with equal threads.
        memory_limit: Bytes.

    Yields:
        The points, as soon as they are measured.

    Raises:
        UserError: If there are fewer cores than threads, or a process fails.
    """
    peak = measure("peak", cases[0])["peak"]
    memory_per_pixel = 0.0
    for case in sorted(cases, key=_pixels):
        if memory_per_pixel * _pixels(case) > memory_limit:
            return
        ours = measure("ours", case)
        total = total_multiply_adds(ours["multiply_adds"])
        memory_per_pixel = ours["bytes"] / _pixels(case)
        yield Point(case, ours["seconds"], ours["bytes"], total, peak)


def _pixels(case: Case) -> int:
    return case.size**2 * case.channels * case.batch
