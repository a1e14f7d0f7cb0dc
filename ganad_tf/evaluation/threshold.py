"""Setting the threshold of a detector on the scores of normal images."""

import numpy as np
from numpy.typing import NDArray

from ganad_station.calibration import percent
from ganad_station.threshold import ORDER_STATISTIC, Threshold
from ganad_tf.errors import UserError


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


def set_threshold(
    normal_scores: NDArray[np.float64], false_reject_rate: float, calibrated_on: str
) -> Threshold:
    """Set the threshold of a detector.

    Args:
        normal_scores: float64 `(count,)`, the scores of normal images.
        false_reject_rate: The fraction of them that may be rejected, in [0, 1).
        calibrated_on: Description of these images.

    Raises:
        UserError: If the rate is out of range.
    """
    value = order_statistic(normal_scores, false_reject_rate)
    return Threshold(value, false_reject_rate, ORDER_STATISTIC, calibrated_on)


def describe_threshold(threshold: Threshold) -> str:
    """Return a line on a threshold: its value, its false-reject rate, and what it was set on."""
    rate = percent(threshold.false_reject_rate)
    return f"{threshold.value:.5f} (for {rate} false rejects, set on {threshold.calibrated_on})"
