"""Figures of merit of anomaly scores."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ganad_station.threshold import is_rejected
from ganad_tf.errors import UserError

Metric = Callable[[NDArray[np.bool_], NDArray[np.float64]], float]
"""A function of labels (true for anomalies) and scores, both `(count,)`."""


def auroc(is_anomaly: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve, in [0, 1]."""
    return float(roc_auc_score(is_anomaly, scores))


def average_precision(is_anomaly: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the average precision with anomalies as the positive class, in [0, 1]."""
    hits, rejected = _counts_at_thresholds(is_anomaly, scores)
    return float(np.sum(np.diff(hits, prepend=0) * hits / rejected) / hits[-1])


def best_f1(is_anomaly: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the largest F1 score over all thresholds, in [0, 1]."""
    hits, rejected = _counts_at_thresholds(is_anomaly, scores)
    return float(np.max(2 * hits / (rejected + hits[-1])))


def _counts_at_thresholds(
    is_anomaly: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many anomalies, and how many images, each threshold rejects, highest first."""
    order = np.argsort(-scores, kind="stable")
    is_last = np.append(np.diff(scores[order]) != 0, True)
    return np.cumsum(is_anomaly[order])[is_last], np.flatnonzero(is_last) + 1


def recall_at(false_reject_rate: float) -> Metric:
    """Return a metric: the fraction of anomalies that are rejected at a false-reject rate.

    The threshold is taken from the same normal images that are measured. The metric therefore
    describes the separation of the classes, and not a threshold that was set beforehand.

    Args:
        false_reject_rate: The fraction of normal images that may be rejected, in [0, 1).
    """

    def recall(is_anomaly: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
        threshold = order_statistic(scores[~is_anomaly], false_reject_rate)
        return float(np.mean(is_rejected(scores[is_anomaly], threshold)))

    return recall


def order_statistic(normal_scores: NDArray[np.float64], false_reject_rate: float) -> float:
    """Return the lowest score that rejects at most a fraction of the images it is taken from.

    Args:
        normal_scores: float64 `(count,)`, the scores of normal images.
        false_reject_rate: The fraction that may be rejected, in [0, 1).

    Raises:
        UserError: If the rate is out of range.
    """
    if not 0 <= false_reject_rate < 1:
        raise UserError(f"the false-reject rate must be in [0, 1), got {false_reject_rate}")
    allowed = int(np.floor(false_reject_rate * len(normal_scores)))
    return float(np.sort(normal_scores)[len(normal_scores) - 1 - allowed])
