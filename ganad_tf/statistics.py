"""AUROC and the other figures of a scorer, with confidence intervals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from ganad_tf.errors import UserError

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
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


def bootstrap(statistic: Statistic, is_anomaly: Labels, scores: Scores, seed: int = 0) -> Estimate:
    """Estimate a figure with its 95 % percentile bootstrap interval, see `resampled`."""
    values = [
        statistic(is_anomaly[chosen], scores[chosen]) for chosen in resampled(is_anomaly, seed)
    ]
    return Estimate(statistic(is_anomaly, scores), *percentile_interval(values))


def resampled(is_anomaly: Labels, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Draw the indices of bootstrap resamples.

    Normal images and anomalies are resampled apart, so that no resample lacks either.
    """
    rng = np.random.default_rng(seed)
    normals, anomalies = np.flatnonzero(~is_anomaly), np.flatnonzero(is_anomaly)
    for _ in range(RESAMPLES):
        yield np.concatenate(
            [rng.choice(normals, len(normals)), rng.choice(anomalies, len(anomalies))]
        )


def percentile_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the 95 % percentile interval of the figures of resamples."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def proportion(hits: int, count: int) -> Estimate:
    """Estimate a proportion with its 95 % Clopper-Pearson interval."""
    interval = stats.binomtest(hits, count).proportion_ci(CONFIDENCE)
    return Estimate(hits / count, float(interval.low), float(interval.high))


def auroc_difference(is_anomaly: Labels, scores: Scores, reference: Scores) -> Estimate:
    """Estimate `auroc(scores) - auroc(reference)` on the same images, after DeLong.

    DeLong, DeLong, Clarke-Pearson, "Comparing the areas under two or more correlated receiver
    operating characteristic curves", Biometrics 44 (1988): the variance comes from the
    placement of each image among those of the other side, under both scorers.

    Args:
        is_anomaly: bool `(count,)`, with at least two images on each side.
        scores: float64 `(count,)`.
        reference: float64 `(count,)`, of the same images.

    Returns:
        The difference with its 95 % normal interval.

    Raises:
        UserError: If a side has fewer than two images, so that it has no variance.
    """
    fewest = min(int(is_anomaly.sum()), int((~is_anomaly).sum()))
    if fewest < 2:
        raise UserError(
            "comparing two AUROCs takes at least two normal and two anomalous test images: "
            "add pictures, or raise data.test_fraction and train again"
        )
    anomaly_change, normal_change = (
        first - second
        for first, second in zip(
            _placements(is_anomaly, scores), _placements(is_anomaly, reference), strict=True
        )
    )
    variance = anomaly_change.var(ddof=1) / len(anomaly_change)
    variance += normal_change.var(ddof=1) / len(normal_change)
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(variance))
    difference = float(anomaly_change.mean())
    return Estimate(difference, difference - half, difference + half)


def _placements(is_anomaly: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """Return, for each image, the share of the other side that it is ranked rightly against."""
    anomalies, normals = scores[is_anomaly], scores[~is_anomaly]
    everywhere = stats.rankdata(np.concatenate([anomalies, normals]))
    anomaly_rank, normal_rank = np.split(everywhere, [len(anomalies)])
    above = (anomaly_rank - stats.rankdata(anomalies)) / len(normals)
    below = 1 - (normal_rank - stats.rankdata(normals)) / len(anomalies)
    return above, below
