"""Confidence intervals of the figures of a scorer.

Images of the same part are similar, and so are their scores: six exposures of one part say little
more about future parts than one does. All intervals therefore treat parts as the random sample, not
images. This makes no difference where each image shows a part of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganad_tf.errors import UserError
from ganad_tf.evaluation.metrics import Metric
from ganad_tf.evaluation.scored_split import ScoredSplit

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
Parts = NDArray[np.int64]

CONFIDENCE = 0.95
RESAMPLES = 500


@dataclass(frozen=True)
class Estimate:
    """An estimate with its confidence interval.

    Attributes:
        value: The estimated figure.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
    """

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Return `value [low, high]`, each formatted with `spec`, by default `.4f`."""
        value, low, high = (format(end, spec or ".4f") for end in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"


def bootstrap(metric: Metric, scored: ScoredSplit, seed: int = 0) -> Estimate:
    """Estimate a metric with its 95 % percentile bootstrap interval, see `resampled`."""
    is_anomaly, scores = scored.is_anomaly, scored.scores
    values = [
        metric(is_anomaly[chosen], scores[chosen])
        for chosen in resampled(is_anomaly, scored.parts, seed)
    ]
    return Estimate(metric(is_anomaly, scores), *percentile_interval(values))


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


def percentile_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the 95 % percentile interval of the values of resamples."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def proportion(is_hit: Labels, parts: Parts) -> Estimate:
    """Estimate a proportion of images with its 95 % interval.

    The interval is that of Clopper and Pearson, where each image shows a part of its own.
    Otherwise the number of images is replaced by the effective sample size (Korn and Graubard,
    "Confidence intervals for proportions with small expected number of positive counts estimated
    from survey data", Survey Methodology 24, 1998), or by the number of parts if all images or none
    are hits.

    Args:
        is_hit: bool `(count,)`, at least one image.
        parts: int64 `(count,)`, the number of the part that each image shows.
    """
    value = float(is_hit.mean())
    count = _effective_count(is_hit, parts)
    hits, tail = value * count, (1 - CONFIDENCE) / 2
    low = stats.beta.ppf(tail, hits, count - hits + 1) if hits > 0 else 0.0
    high = stats.beta.ppf(1 - tail, hits + 1, count - hits) if hits < count else 1.0
    return Estimate(value, float(low), float(high))


def _effective_count(is_hit: Labels, parts: Parts) -> float:
    count, different = len(is_hit), len(np.unique(parts))
    if different == count:
        return float(count)
    variance = _variance_of_mean(is_hit.astype(np.float64), parts) if different > 1 else 0.0
    if not variance:
        return float(different)
    independent = is_hit.mean() * (1 - is_hit.mean()) / variance
    upper = (1 + CONFIDENCE) / 2
    fewer = (stats.t.ppf(upper, count - 1) / stats.t.ppf(upper, different - 1)) ** 2
    return float(min(count, independent * fewer))


def auroc_difference(scored: ScoredSplit, reference: Scores) -> Estimate:
    """Estimate the AUROC of scores minus that of reference scores of the same images.

    The variance is computed from the placement values of the images under both scorers (DeLong,
    DeLong, Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", Biometrics 44, 1988). The placement values are summed over the images of
    each part first (Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics
    53, 1997).

    Args:
        scored: Images of at least two parts in each class, with their scores.
        reference: float64 `(count,)`, the reference scores of these images.

    Returns:
        The difference with its 95 % normal interval.

    Raises:
        UserError: If a class has images of fewer than two parts, so that there is no variance.
    """
    if scored.fewest_parts < 2:
        raise UserError(
            "comparing two AUROCs takes test images of at least two normal and two anomalous "
            "parts: add pictures, or raise data.test_fraction and train again"
        )
    is_anomaly, parts = scored.is_anomaly, scored.parts
    anomaly_change, normal_change = (
        first - second
        for first, second in zip(
            _placements(is_anomaly, scored.scores), _placements(is_anomaly, reference), strict=True
        )
    )
    variance = _variance_of_mean(anomaly_change, parts[is_anomaly])
    variance += _variance_of_mean(normal_change, parts[~is_anomaly])
    variance += 2 * _covariance_within_parts(is_anomaly, anomaly_change, normal_change, parts)
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(max(variance, 0.0)))
    difference = float(anomaly_change.mean())
    return Estimate(difference, difference - half, difference + half)


def _placements(is_anomaly: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """Return the placement value of each image, first of the anomalies, then of the normal images.

    That is the fraction of images of the other class that it is ranked correctly against.
    """
    anomalies, normals = scores[is_anomaly], scores[~is_anomaly]
    everywhere = stats.rankdata(np.concatenate([anomalies, normals]))
    anomaly_rank, normal_rank = np.split(everywhere, [len(anomalies)])
    above = (anomaly_rank - stats.rankdata(anomalies)) / len(normals)
    below = 1 - (normal_rank - stats.rankdata(normals)) / len(anomalies)
    return above, below


def _covariance_within_parts(
    is_anomaly: Labels, anomaly_change: Scores, normal_change: Scores, parts: Parts
) -> float:
    """Return the covariance of the two means due to parts with images in both classes."""
    deviations = np.zeros((2, len(parts)))
    deviations[0, is_anomaly] = anomaly_change - anomaly_change.mean()
    deviations[1, ~is_anomaly] = normal_change - normal_change.mean()
    of_anomalies, of_normals = (_part_sums(values, parts) for values in deviations)
    products = np.sum(of_anomalies * of_normals) / (len(anomaly_change) * len(normal_change))
    return float(_unbiased(len(of_anomalies)) * products)


def _variance_of_mean(values: Scores, parts: Parts) -> float:
    """Return the variance of the mean of values that are dependent within each part."""
    sums = _part_sums(values - values.mean(), parts)
    return float(_unbiased(len(sums)) * np.sum(sums**2) / len(values) ** 2)


def _part_sums(values: Scores, parts: Parts) -> Scores:
    numbers = np.unique(parts, return_inverse=True)[1]
    return np.bincount(numbers, values).astype(np.float64)


def _unbiased(count: int) -> float:
    return count / (count - 1)
