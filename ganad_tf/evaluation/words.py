"""Figures in words that need no knowledge of statistics."""

import math

from ganad_station.threshold import percent
from ganad_tf.evaluation.intervals import Estimate

CHANCE = 0.5
SLACK = 1e-9


def is_chance(auroc: Estimate) -> bool:
    """Return whether scores may be no better than chance: the interval of their AUROC holds 1/2."""
    return auroc.low <= CHANCE


def describe_chance(auroc: Estimate, split: str) -> str:
    """Say that scores may be no better than chance on a split."""
    return (
        f"no better than chance on {split}: AUROC {auroc}, where guessing has {CHANCE}; check the "
        "pictures with ganad-tf data check, train longer, or add pictures"
    )


def describe_verdict(auroc: Estimate, misses: Estimate, false_rejects: Estimate) -> str:
    """Say what a detector finds, and what it rejects wrongly, in parts of a hundred.

    Args:
        auroc: The AUROC with its interval.
        misses: The fraction of defects that are accepted.
        false_rejects: The fraction of good parts that are rejected.
    """
    found = Estimate(1 - misses.value, 1 - misses.high, 1 - misses.low)
    verdict = (
        f"Finds {_at_least(found.value)} of 100 defects ({_range(found)}) while rejecting "
        f"{_at_most(false_rejects.value)} of 100 good parts ({_range(false_rejects)})."
    )
    if is_chance(auroc):
        return f"No better than chance (AUROC {auroc}). {verdict}"
    return verdict


def describe_unresolved(rate: float, parts: int) -> str:
    """Say that a false-reject rate is too small for the number of good parts."""
    return f"{percent(rate)} takes {parts_to_resolve(rate):,} good parts, there are {parts:,}"


def parts_to_resolve(rate: float) -> int:
    """Return how many good parts it takes that one of them is a given fraction of them."""
    return math.ceil(1 / rate - SLACK)


def _range(estimate: Estimate) -> str:
    return f"95 % sure: {_at_least(estimate.low)} to {_at_most(estimate.high)}"


def _at_least(fraction: float) -> int:
    return math.floor(100 * fraction + SLACK)


def _at_most(fraction: float) -> int:
    return math.ceil(100 * fraction - SLACK)
