"""The threshold of a detector, and the decision against it."""

from typing import NamedTuple, Union

import numpy as np

DEFAULT_FALSE_REJECT_RATE = 0.01
DEFAULT_CONFIDENCE = 0.95
ORDER_STATISTIC, TOLERANCE_BOUND = "order statistic", "tolerance bound"
METHODS = (ORDER_STATISTIC, TOLERANCE_BOUND)


class Threshold(NamedTuple):
    """The largest score that is accepted, and where it comes from.

    Attributes:
        value: Scores above it are rejected, >= 0.
        false_reject_rate: The fraction of good parts that it was set to reject, in [0, 1).
        method: `ORDER_STATISTIC`, at most that fraction of the good pictures that it was set on, or
            `TOLERANCE_BOUND`, at most that fraction of new good parts with some confidence.
        calibrated_on: The pictures that it was set on, in words.
    """

    value: float
    false_reject_rate: float
    method: str
    calibrated_on: str


def is_rejected(scores: Union[float, np.ndarray], threshold: float) -> np.ndarray:
    """Decide which scores are rejected.

    Args:
        scores: A score, or an array of scores of any shape.
        threshold: The largest score that is accepted.

    Returns:
        bool of the same shape. NaN is rejected: a score that is not a number proves nothing.
    """
    return np.logical_not(np.less_equal(scores, threshold))
