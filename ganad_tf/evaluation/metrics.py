"""AUROC and the other figures of a scorer, with confidence intervals.

Pictures of one part are alike, and so are their scores: six exposures of a part tell little more of
parts to come than one does. So all intervals take parts for what was drawn at random, not
pictures. Where each picture is of a part of its own, that makes no difference.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from ganad_tf.errors import UserError

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
Parts = NDArray[np.int64]
"""The number of the part that each picture shows."""
Statistic = Callable[[Labels, Scores], float]

CONFIDENCE = 0.95
RESAMPLES = 500


@dataclass(frozen=True)
class Estimate:
    """A figure and its confidence interval.

    Attributes:
        value: The figure.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Return `value [low, high]`, each in the format of `spec`, by default `.4f`."""
        value, low, high = (format(end, spec or ".4f") for end in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"


def auroc(is_anomaly: Labels, scores: Scores) -> float:
    """Return the area under the ROC curve, in [0, 1]."""
    return float(roc_auc_score(is_anomaly, scores))


def average_precision(is_anomaly: Labels, scores: Scores) -> float:
    """Return the average precision with anomalies as the positive class, in [0, 1]."""
    return float(average_precision_score(is_anomaly, scores))


def best_f1(is_anomaly: Labels, scores: Scores) -> float:
    """Return the largest F1 over all thresholds, in [0, 1]."""
    precision, recall, _ = precision_recall_curve(is_anomaly, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def recall_at(false_reject_rate: float) -> Statistic:
    """Return the statistic that is the share of anomalies above the threshold of a rate.

    The threshold is that of `threshold_at` on the very normal images that are measured, so that it
    says what a scorer can do, not what a threshold that was set before does.
    """

    def recall(is_anomaly: Labels, scores: Scores) -> float:
        threshold = threshold_at(false_reject_rate, scores[~is_anomaly])
        return float(np.mean(scores[is_anomaly] > threshold))

    return recall


def threshold_at(false_reject_rate: float, normal_scores: Scores) -> float:
    """Return the threshold that rejects at most a share of these normal images.

    An image is rejected when its score is above the threshold.

    Args:
        false_reject_rate: The share, in [0, 1).
        normal_scores: float64 `(count,)`.

    Raises:
        UserError: If the rate is out of range.
    """
    if not 0 <= false_reject_rate < 1:
        raise UserError(f"the false-reject rate must be in [0, 1), got {false_reject_rate}")
    allowed = int(np.floor(false_reject_rate * len(normal_scores)))
    return float(np.sort(normal_scores)[len(normal_scores) - 1 - allowed])


def bootstrap(
    statistic: Statistic, is_anomaly: Labels, scores: Scores, parts: Parts, seed: int = 0
) -> Estimate:
    """Estimate a figure with its 95 % percentile bootstrap interval, see `resampled`."""
    values = [
        statistic(is_anomaly[chosen], scores[chosen])
        for chosen in resampled(is_anomaly, parts, seed)
    ]
    return Estimate(statistic(is_anomaly, scores), *percentile_interval(values))


def resampled(is_anomaly: Labels, parts: Parts, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Draw the indices of bootstrap resamples: parts, each with all its pictures.

    Normal images and anomalies are resampled apart, so that no resample lacks either.
    """
    rng = np.random.default_rng(seed)
    sides = [_PartMembers.of(np.flatnonzero(side), parts) for side in (~is_anomaly, is_anomaly)]
    for _ in range(RESAMPLES):
        yield np.concatenate([side.draw(rng) for side in sides])


@dataclass(frozen=True, eq=False)
class _PartMembers:
    """Indices of pictures, part by part in the order that the parts appear in.

    Attributes:
        indices: int64 `(count,)`.
        first: int64 `(parts,)`, where the indices of each part begin.
        sizes: int64 `(parts,)`, how many it has.
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
    """Return the ends of the 95 % percentile interval of the figures of resamples."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def proportion(is_hit: Labels, parts: Parts) -> Estimate:
    """Estimate a proportion of pictures with its 95 % interval.

    That of Clopper and Pearson where each picture is of a part of its own. Else as many pictures
    count as would tell as much if they were (Korn and Graubard, "Confidence intervals for
    proportions with small expected number of positive counts estimated from survey data",
    Survey Methodology 24, 1998); as many as there are parts where all are hits, or none is.

    Args:
        is_hit: bool `(count,)`, at least one.
        parts: The part of each.
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


def _variance_of_mean(values: Scores, parts: Parts) -> float:
    """Return the variance of the mean of values, of which those of a part depend on each other."""
    sums = _part_sums(values - values.mean(), parts)
    return float(_unbiased(len(sums)) * np.sum(sums**2) / len(values) ** 2)


def _part_sums(values: Scores, parts: Parts) -> Scores:
    numbers = np.unique(parts, return_inverse=True)[1]
    return np.bincount(numbers, values).astype(np.float64)


def _unbiased(count: int) -> float:
    return count / (count - 1)


def auroc_difference(
    is_anomaly: Labels, scores: Scores, reference: Scores, parts: Parts
) -> Estimate:
    """Estimate `auroc(scores) - auroc(reference)` on the same images, after DeLong.

    DeLong, DeLong, Clarke-Pearson, "Comparing the areas under two or more correlated receiver
    operating characteristic curves", Biometrics 44 (1988): the variance comes from the
    placement of each image among those of the other side, under both scorers. The placements of
    the images of a part are added up first: Obuchowski, "Nonparametric analysis of clustered ROC
    curve data", Biometrics 53 (1997).

    Args:
        is_anomaly: bool `(count,)`, with images of at least two parts on each side.
        scores: float64 `(count,)`.
        reference: float64 `(count,)`, of the same images.
        parts: The part of each image.

    Returns:
        The difference with its 95 % normal interval.

    Raises:
        UserError: If a side has images of fewer than two parts, so that it has no variance.
    """
    if fewest_parts(is_anomaly, parts) < 2:
        raise UserError(
            "comparing two AUROCs takes test images of at least two normal and two anomalous "
            "parts: add pictures, or raise data.test_fraction and train again"
        )
    anomaly_change, normal_change = (
        first - second
        for first, second in zip(
            _placements(is_anomaly, scores), _placements(is_anomaly, reference), strict=True
        )
    )
    variance = _variance_of_mean(anomaly_change, parts[is_anomaly])
    variance += _variance_of_mean(normal_change, parts[~is_anomaly])
    variance += 2 * _covariance_within_parts(is_anomaly, anomaly_change, normal_change, parts)
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(max(variance, 0.0)))
    difference = float(anomaly_change.mean())
    return Estimate(difference, difference - half, difference + half)


def part_scores(is_anomaly: Labels, scores: Scores, parts: Parts) -> tuple[Labels, Scores, Parts]:
    """Return the mean score of each part over its pictures, for one decision a part.

    A part with pictures on both sides counts on either, each with the mean of its pictures there.

    Returns:
        Side, mean score and number of each part.
    """
    entries, entry = np.unique(np.stack([parts, is_anomaly]), axis=1, return_inverse=True)
    numbers, sides = entries
    return sides.astype(np.bool_), np.bincount(entry, scores) / np.bincount(entry), numbers


def fewest_parts(is_anomaly: Labels, parts: Parts) -> int:
    """Return of how many parts the side with fewer of them has images."""
    return min(len(np.unique(parts[side])) for side in (is_anomaly, ~is_anomaly))


def _covariance_within_parts(
    is_anomaly: Labels, anomaly_change: Scores, normal_change: Scores, parts: Parts
) -> float:
    """Return the covariance of both means that comes from parts with images on both sides."""
    deviations = np.zeros((2, len(parts)))
    deviations[0, is_anomaly] = anomaly_change - anomaly_change.mean()
    deviations[1, ~is_anomaly] = normal_change - normal_change.mean()
    of_anomalies, of_normals = (_part_sums(side, parts) for side in deviations)
    products = np.sum(of_anomalies * of_normals) / (len(anomaly_change) * len(normal_change))
    return float(_unbiased(len(of_anomalies)) * products)


def _placements(is_anomaly: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """Return, for each image, the share of the other side that it is ranked rightly against."""
    anomalies, normals = scores[is_anomaly], scores[~is_anomaly]
    everywhere = stats.rankdata(np.concatenate([anomalies, normals]))
    anomaly_rank, normal_rank = np.split(everywhere, [len(anomalies)])
    above = (anomaly_rank - stats.rankdata(anomalies)) / len(normals)
    below = 1 - (normal_rank - stats.rankdata(normals)) / len(anomalies)
    return above, below
