"""The threshold of a detector, what it promises, and the decision against it."""

import math
from typing import NamedTuple, Union

import numpy as np

DEFAULT_FALSE_REJECT_RATE = 0.01
DEFAULT_CONFIDENCE = 0.95
ORDER_STATISTIC, TOLERANCE_BOUND = "order statistic", "tolerance bound"
METHODS = (ORDER_STATISTIC, TOLERANCE_BOUND)
SIGNIFICANT_DIGITS = 3


class Threshold(NamedTuple):
    """The largest score that is accepted, where it comes from, and what it promises.

    Attributes:
        value: Scores above it are rejected, >= 0.
        false_reject_rate: With `TOLERANCE_BOUND`, the fraction of new good parts that is rejected
            at most, in (0, 1). With `ORDER_STATISTIC`, the fraction of the good pictures that it
            was set on that is rejected at most, in [0, 1).
        method: `TOLERANCE_BOUND`, which promises something about new good parts, or
            `ORDER_STATISTIC`, which promises nothing; older programs set such thresholds.
        calibrated_on: The pictures that it was set on, in words.
        confidence: The probability that the promise is kept, in (0, 1); 0 without a promise, or if
            it was not recorded.
        good_parts: Number of good parts that it was set on; 0 if it was not recorded.
        requested_rate: The false-reject rate that was asked for, in (0, 1); smaller than
            `false_reject_rate` if the parts are too few to promise it, 0 if it was not recorded.
    """

    value: float
    false_reject_rate: float
    method: str
    calibrated_on: str
    confidence: float = 0.0
    good_parts: int = 0
    requested_rate: float = 0.0


def is_rejected(scores: Union[float, np.ndarray], threshold: float) -> np.ndarray:
    """Decide which scores are rejected.

    Args:
        scores: A score, or an array of scores of any shape.
        threshold: The largest score that is accepted.

    Returns:
        bool of the same shape. NaN is rejected: a score that is not a number proves nothing.
    """
    return np.logical_not(np.less_equal(scores, threshold))


def parts_needed(false_reject_rate: float, confidence: float = DEFAULT_CONFIDENCE) -> int:
    """Return the smallest number of good parts with which a rate can be promised."""
    exact = math.log1p(-confidence) / math.log1p(-false_reject_rate)
    # The rate that n parts can promise takes n parts, whatever the rounding.
    return max(1, math.ceil(exact * (1 - 1e-12)))


def describe_threshold(threshold: Threshold) -> str:
    """Say in a line what the value of a threshold is, where it comes from and what it promises."""
    return (
        f"{threshold.value:.5f}, set on {threshold.calibrated_on}: it {describe_promise(threshold)}"
    )


def describe_promise(threshold: Threshold) -> str:
    """Say what a threshold promises, as the end of a sentence that begins with the threshold."""
    rate = percent(_rounded_up(threshold.false_reject_rate))
    if threshold.method == ORDER_STATISTIC:
        return f"rejects at most {rate} of these pictures and promises nothing about new parts"
    promise = f"promises at most {rate} false rejects"
    if threshold.confidence:
        promise += f" with {percent(threshold.confidence)} confidence"
    if not threshold.good_parts:
        return promise
    parts = f"{threshold.good_parts} good part{'s' if threshold.good_parts > 1 else ''}"
    requested, promised = threshold.requested_rate, threshold.false_reject_rate
    if threshold.confidence and 0 < requested < promised:
        needed = parts_needed(requested, threshold.confidence)
        parts += f"; {percent(requested)} takes {needed}"
    return f"{promise} ({parts})"


def percent(fraction: float) -> str:
    """Write a fraction in percent, with all its digits."""
    return f"{100 * fraction:.10g} %"


def _rounded_up(rate: float) -> float:
    """Round a rate up to a few digits: rounded down, it would promise more than can be kept."""
    if not rate:
        return rate
    unit = 10.0 ** (math.floor(math.log10(rate)) + 1 - SIGNIFICANT_DIGITS)
    return math.ceil(rate / unit - 1e-9) * unit
