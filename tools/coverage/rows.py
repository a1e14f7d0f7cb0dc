"""The coverage of each interval, measured on simulated test splits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ganad_station.calibration import set_threshold
from ganad_station.threshold import percent
from ganad_tf.config.defaults import DEFAULT_MAX_DROP
from ganad_tf.evaluation.intervals import Estimate, auroc_interval, proportion
from ganad_tf.evaluation.metrics import Metric, average_precision, best_f1, recall_at
from ganad_tf.evaluation.resampling import bootstrap
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.exporting.verdict import auroc_drop, rate_rise

COUNTS = (2, 5, 20, 100)
AREAS = (0.5, 0.8, 0.95, 0.99, 0.999)
PICTURES_PER_PART = 3
FAR = 100.0
TRUTH_COUNT = 400_000
MOVES = (0.2, 0.01)
ROUNDING = 1e-9

FOUND_AT = 0.1
FOUND = f"found at {percent(FOUND_AT)} false rejects"

Scores = NDArray[np.float64]
Draw = Callable[[np.random.Generator, float, int], tuple[Scores, Scores]]


def equal_spread(rng: np.random.Generator, area: float, count: int) -> tuple[Scores, Scores]:
    """Draw normal scores of good and defective parts with the same spread."""
    shift = np.sqrt(2) * special.ndtri(area)
    return rng.normal(0, 1, count), rng.normal(shift, 1, count)


def wide_defects(rng: np.random.Generator, area: float, count: int) -> tuple[Scores, Scores]:
    """Draw normal scores where those of defective parts spread three times as far."""
    shift = np.sqrt(10) * special.ndtri(area)
    return rng.normal(0, 1, count), rng.normal(shift, 3, count)


def blind(rng: np.random.Generator, area: float, count: int) -> tuple[Scores, Scores]:
    """Draw scores where some defects look like good parts, and all others are far away."""
    is_seen = rng.random(count) >= 2 * (1 - area)
    return rng.normal(0, 1, count), rng.normal(0, 1, count) + FAR * is_seen


DISTRIBUTIONS: dict[str, Draw] = {
    "equal spread": equal_spread,
    "defects spread more": wide_defects,
    "some defects look good": blind,
}


FIGURES: dict[str, Metric] = {
    "average precision": average_precision,
    "best F1": best_f1,
    FOUND: recall_at(FOUND_AT),
}


@dataclass(frozen=True)
class Row:
    """The coverage of an interval in some cases.

    Attributes:
        name: What is estimated, and of which scores.
        cases: The true value, or the rate, of each column.
        count: Number of parts of each class.
        coverage: For each column, the fraction of draws whose interval holds the truth.
    """

    name: str
    cases: tuple[str, ...]
    count: int
    coverage: tuple[float, ...]


def split(good: Scores, defective: Scores, pictures: int = 1) -> ScoredSplit:
    """Combine scores of good and defective parts, with some pictures of each part in a row."""
    is_anomaly = np.repeat([False, True], [len(good), len(defective)])
    scores = np.concatenate([good, defective])
    return ScoredSplit.of_labels(is_anomaly, scores, np.arange(len(scores)) // pictures)


def holds(estimate: Estimate, truth: float) -> bool:
    """Return whether an interval holds the truth, up to rounding."""
    return estimate.low - ROUNDING <= truth <= estimate.high + ROUNDING


def auroc_row(name: str, count: int, draws: int) -> Row:
    """Measure `auroc_interval`, one picture per part."""
    rng = np.random.default_rng(0)
    coverage = [
        np.mean(
            [
                holds(auroc_interval(split(*DISTRIBUTIONS[name](rng, area, count))), area)
                for _ in range(draws)
            ]
        )
        for area in AREAS
    ]
    return _row(f"AUROC, {name}", AREAS, count, coverage)


def auroc_of_parts_row(count: int, draws: int) -> Row:
    """Measure `auroc_interval` where three pictures of each part have almost the same score."""
    rng, noise = np.random.default_rng(0), 0.3

    def draw(area: float) -> ScoredSplit:
        scale = np.sqrt(1 - noise**2)
        good, defective = (
            np.repeat(scores, PICTURES_PER_PART) * scale
            for scores in equal_spread(rng, area, count)
        )
        # The shift is that of scores with the spread of part and noise together.
        defective += (1 - scale) * np.sqrt(2) * special.ndtri(area)
        noises = rng.normal(0, noise, (2, len(good)))
        return split(good + noises[0], defective + noises[1], PICTURES_PER_PART)

    coverage = [
        np.mean([holds(auroc_interval(draw(area)), area) for _ in range(draws)]) for area in AREAS
    ]
    return _row(f"AUROC, {PICTURES_PER_PART} pictures of each part", AREAS, count, coverage)


def proportion_row(count: int) -> Row:
    """Compute the coverage of `proportion` exactly, from the binomial distribution."""
    rates, hits = (0.01, 0.05, 0.2, 0.5), np.arange(count + 1)
    found = [proportion(np.arange(count) < number, np.arange(count)) for number in hits]
    coverage = [
        stats.binom.pmf(hits, count, rate) @ [holds(estimate, rate) for estimate in found]
        for rate in rates
    ]
    return _row("rate of false rejects or misses (exact)", rates, count, coverage)


def drop_row(move: float, count: int, draws: int) -> Row:
    """Measure the bounds of a verification on the drop of the AUROC.

    Args:
        move: Standard deviation of what quantization adds to each score; that of the scores of a
            class is 1.
        count: Number of parts of each class, one picture of each.
        draws: Number of simulated test splits.
    """
    rng, areas = np.random.default_rng(0), (0.7, 0.9, 0.99)
    parts, is_anomaly = np.arange(2 * count), np.arange(2 * count) >= count
    coverage = []
    for area in areas:
        shift = np.sqrt(2) * special.ndtri(area)
        truth = area - stats.norm.cdf(shift / np.sqrt(2 * (1 + move**2)))
        kept = 0
        for _ in range(draws):
            scores = np.concatenate(equal_spread(rng, area, count))
            moved = scores + rng.normal(0, move, len(scores))
            drop = auroc_drop(moved, scores, parts, is_anomaly, DEFAULT_MAX_DROP)
            kept += drop.lower_bound() - ROUNDING <= truth <= drop.bound() + ROUNDING
        coverage.append(kept / draws)
    return _row(f"verification, drop of the AUROC, moves of {move:g}", areas, count, coverage)


def rise_row(move: float, count: int, draws: int) -> Row:
    """Measure the bounds of a verification on the rise of the false-reject rate, see `drop_row`."""
    rng, rates = np.random.default_rng(0), (0.01, 0.05, 0.2)
    parts = np.arange(count)
    coverage = []
    for rate in rates:
        threshold = stats.norm.isf(rate)
        truth = stats.norm.sf(threshold / np.sqrt(1 + move**2)) - rate
        kept = 0
        for _ in range(draws):
            margins = rng.normal(0, 1, count) - threshold
            rise = rate_rise(margins + rng.normal(0, move, count), margins, parts, False)
            kept += rise.lower_bound() - ROUNDING <= truth <= rise.bound() + ROUNDING
        coverage.append(kept / draws)
    return _row(f"verification, rise of false rejects, moves of {move:g}", rates, count, coverage)


def resampled_row(name: str, count: int, draws: int) -> Row:
    """Measure `bootstrap`."""
    metric = FIGURES[name]
    rng, areas = np.random.default_rng(0), (0.7, 0.9, 0.99)
    coverage = []
    for area in areas:
        many = split(*equal_spread(np.random.default_rng(1), area, TRUTH_COUNT))
        truth = metric(many.is_anomaly, many.scores)
        kept = [
            holds(bootstrap(metric, split(*equal_spread(rng, area, count))), truth)
            for _ in range(draws)
        ]
        coverage.append(np.mean(kept))
    return _row(name, areas, count, coverage)


def promise_row(count: int, draws: int) -> Row:
    """Measure in how many draws `set_threshold` rejects no more new parts than it promises."""
    rng, rates = np.random.default_rng(0), (0.001, 0.01, 0.05, 0.2)
    coverage = []
    for rate in rates:
        kept = 0
        for _ in range(draws):
            # Of uniform scores, 1 - t are above t.
            value, promised, *_ = set_threshold(rng.random(count).tolist(), None, "", rate)
            kept += 1 - value <= promised
        coverage.append(kept / draws)
    return _row("promised false-reject rate is kept", rates, count, coverage)


def _row(name: str, cases: Iterable[float], count: int, coverage: Iterable[SupportsFloat]) -> Row:
    return Row(name, tuple(f"{case:g}" for case in cases), count, tuple(map(float, coverage)))
