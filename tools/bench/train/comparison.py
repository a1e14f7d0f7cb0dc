"""Our training step against PyTorch's, in alternating runs."""

import statistics
from dataclasses import dataclass
from typing import Any

from tools.bench.train.cases import Case
from tools.bench.train.children import measure

OURS = "ganad-tf"
TWINS = {"PyTorch, default layout": "default", "PyTorch, channels last": "channels-last"}


@dataclass(frozen=True)
class Comparison:
    """The rounds of one case.

    Attributes:
        case: What was measured.
        multiply_adds: Multiply-adds of a step, by network and pass.
        peaks: Multiply-adds per second of a large product, one per round.
        rates: Images per second of each contender, normal images and anomalies, one per round.
    """

    case: Case
    multiply_adds: dict[str, dict[str, int]]
    peaks: list[float]
    rates: dict[str, list[float]]

    @property
    def better_twin(self) -> str:
        """The layout of PyTorch that is faster in the median."""
        return max(TWINS, key=self.rate)

    @property
    def ratios(self) -> list[float]:
        """Our images per second over those of the better twin, round by round."""
        pairs = zip(self.rates[OURS], self.rates[self.better_twin], strict=True)
        return [ours / theirs for ours, theirs in pairs]

    def rate(self, name: str) -> float:
        """Return the median images per second of a contender."""
        return statistics.median(self.rates[name])

    def peak_fraction(self, name: str) -> float:
        """Return the multiply-adds per second of a contender over the best peak of all rounds."""
        step_seconds = 2 * self.case.batch / self.rate(name)
        return total_multiply_adds(self.multiply_adds) / step_seconds / max(self.peaks)

    def summary(self) -> dict[str, Any]:
        """Return all of it for a JSON file."""
        return {
            "shape": self.case.shape,
            "batch": self.case.batch,
            "threads": self.case.threads,
            "multiply_adds": self.multiply_adds,
            "peak_multiply_adds_per_second": self.peaks,
            "images_per_second": self.rates,
            "better_twin": self.better_twin,
            "ratio": statistics.median(self.ratios),
            "fraction_of_peak": {name: self.peak_fraction(name) for name in self.rates},
        }


def total_multiply_adds(multiply_adds: dict[str, dict[str, int]]) -> int:
    """Return the multiply-adds of a step over all networks and passes."""
    return sum(sum(passes.values()) for passes in multiply_adds.values())


def compare(case: Case, rounds: int) -> Comparison:
    """Measure the peak, ours, and both layouts of the twin, in turns, `rounds` times.

    Raises:
        UserError: If there are fewer cores than threads, or a process fails.
    """
    peaks: list[float] = []
    rates: dict[str, list[float]] = {name: [] for name in (OURS, *TWINS)}
    for _ in range(rounds):
        peaks.append(measure("peak", case)["peak"])
        ours = measure("ours", case)
        rates[OURS].append(2 * case.batch / ours["seconds"])
        for name, layout in TWINS.items():
            twin = measure("torch_loop", case, layout)
            rates[name].append(2 * case.batch / twin["seconds"])
    return Comparison(case, ours["multiply_adds"], peaks, rates)
