"""Intervals of figures whose variance no formula gives, from bootstrap resamples of parts.

The percentiles of resamples are no honest interval of small samples: figures near 1 have intervals
that are too short, and separated classes have none. Only the variance is taken from the resamples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganad_tf.evaluation.intervals import CONFIDENCE, Estimate, Labels, Parts, mid_p_interval
from ganad_tf.evaluation.metrics import Metric
from ganad_tf.evaluation.scored_split import ScoredSplit

RESAMPLES = 200
ROUNDING = 1e-12


def bootstrap(metric: Metric, scored: ScoredSplit, seed: int = 0) -> Estimate:
    """Estimate a metric in [0, 1] with its 95 % interval, see `interval_of_resamples`."""
    is_anomaly, scores = scored.is_anomaly, scored.scores
    values = [
        metric(is_anomaly[chosen], scores[chosen])
        for chosen in resampled(is_anomaly, scored.parts, seed)
    ]
    return interval_of_resamples(metric(is_anomaly, scores), values, scored.fewest_parts)


def interval_of_resamples(value: float, values: Sequence[float], parts: int) -> Estimate:
    """Return a figure in [0, 1] with its 95 % interval.

    The interval is `mid_p_interval` with as many trials as would have the variance of the
    resamples, but no more than the smaller class has parts.

    Args:
        value: The figure of all images, in [0, 1].
        values: The figure of each resample.
        parts: Number of parts of the smaller class.
    """
    trials = _trials(value, values)
    return Estimate(value, *mid_p_interval(value, parts if trials is None else min(parts, trials)))


def interval_of_pixels(value: float, values: Sequence[float], parts: int) -> Estimate:
    """Return a figure of pixels with its 95 % interval.

    A part has many pixels, and can tell more than a single trial does. The variance of few parts is
    itself uncertain; Student's t accounts for that (Korn and Graubard, see `proportion`).

    Args:
        value: The figure, in [0, 1].
        values: The figure of each resample.
        parts: Number of parts with defects.
    """
    if parts < 2:
        return Estimate(value, 0.0, 1.0)
    trials = _trials(value, values)
    if trials is None:
        return Estimate(value, *mid_p_interval(value, parts))
    upper = (1 + CONFIDENCE) / 2
    fewer = (stats.norm.ppf(upper) / stats.t.ppf(upper, parts - 1)) ** 2 * (parts - 1) / parts
    return Estimate(value, *mid_p_interval(value, max(1.0, fewer * trials)))


def _trials(value: float, values: Sequence[float]) -> float | None:
    """Return how many trials would have the variance of the resamples, None if that is zero."""
    spread, variance = value * (1 - value), float(np.var(values))
    return max(1.0, spread / variance) if min(spread, variance) > ROUNDING else None


def resampled(is_anomaly: Labels, parts: Parts, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Draw bootstrap resamples: parts with replacement, each with all its images.

    The two classes are resampled separately, so that no resample lacks one of them.

    Args:
        is_anomaly: bool `(count,)`, the label of each image.
        parts: int64 `(count,)`, the number of the part that each image shows.
        seed: Seed of the draws.

    Yields:
        int64, the indices of the images of each resample.
    """
    rng = np.random.default_rng(seed)
    classes = [_PartMembers.of(np.flatnonzero(label), parts) for label in (~is_anomaly, is_anomaly)]
    for _ in range(RESAMPLES):
        yield np.concatenate([members.draw(rng) for members in classes])


@dataclass(frozen=True, eq=False)
class _PartMembers:
    """The images of one class, grouped by part in the order in which the parts first appear.

    Attributes:
        indices: int64 `(count,)`, the indices of the images.
        first: int64 `(parts,)`, the position in `indices` at which each part begins.
        sizes: int64 `(parts,)`, the number of images of each part.
    """

    indices: NDArray[np.int64]
    first: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, members: NDArray[np.int64], parts: Parts) -> "_PartMembers":
        _, appearance, inverse, sizes = np.unique(
            parts[members], return_index=True, return_inverse=True, return_counts=True
        )
        in_order = sizes[np.argsort(appearance)]
        grouped = members[np.argsort(appearance[inverse], kind="stable")]
        return cls(grouped, np.cumsum(in_order) - in_order, in_order)

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        chosen = rng.choice(len(self.sizes), len(self.sizes))
        sizes = self.sizes[chosen]
        shift = np.repeat(self.first[chosen] - (np.cumsum(sizes) - sizes), sizes)
        return self.indices[shift + np.arange(len(shift))]
