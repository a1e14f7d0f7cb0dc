"""A threshold set on good parts, so that the rate of false rejects it promises holds on new ones.

The share of a threshold on the very parts it was set on says too little about others. Of n good
parts, drawn like those to come, let the threshold be the r-th largest score. The share of parts
above it then follows the beta distribution with parameters r and n - r + 1, whatever the
distribution of the scores (Wilks, "Determination of sample sizes for setting tolerance limits",
Annals of Mathematical Statistics 12, 1941). The r that is taken is the largest for which that share
is at most the promised one with the confidence that was asked for.
"""

import json
import math
import os
from datetime import datetime, timezone
from typing import Sequence

from ganad_station.bundle import CALIBRATION_FILE, Bundle, sha256
from ganad_station.errors import StationError

DEFAULT_RATE, DEFAULT_CONFIDENCE = 0.01, 0.95


def bounded_threshold(
    good_scores: Sequence[float], false_reject_rate: float, confidence: float = DEFAULT_CONFIDENCE
) -> float:
    """Return the lowest threshold that keeps a promise on new good parts.

    Args:
        good_scores: The scores of good parts, each of a part of its own.
        false_reject_rate: At most this share of new good parts is to be above it, in (0, 1).
        confidence: How often, over sets of good parts to set it on, the promise is kept, in (0, 1).

    Returns:
        One of the scores.

    Raises:
        StationError: If the parts are too few to promise that.
    """
    count = len(good_scores)
    rejected = 0
    # P(share <= rate) is the chance that of n parts, each above with the rate, r or more are.
    at_least_one_more = 1 - _chance(0, count, false_reject_rate)
    while rejected < count and at_least_one_more >= confidence:
        rejected += 1
        at_least_one_more -= _chance(rejected, count, false_reject_rate)
    if not rejected:
        needed = parts_needed(false_reject_rate, confidence)
        raise StationError(
            f"{count} good pictures cannot promise {percent(false_reject_rate)} false rejects with "
            f"{percent(confidence)} confidence: give {needed} or more, or raise the rate"
        )
    return sorted(good_scores)[count - rejected]


def percent(share: float) -> str:
    """Write a share in percent, with the digits that it has."""
    return f"{100 * share:.10g} %"


def parts_needed(false_reject_rate: float, confidence: float = DEFAULT_CONFIDENCE) -> int:
    """Return the fewest good parts with which the promise can be made."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-false_reject_rate))


def _chance(hits: int, count: int, rate: float) -> float:
    """Return the binomial probability of so many hits."""
    if hits > count:
        return 0.0
    ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
    return math.exp(ways + hits * math.log(rate) + (count - hits) * math.log1p(-rate))


def write_calibration(
    bundle: Bundle,
    model_name: str,
    threshold: float,
    good_scores: Sequence[float],
    false_reject_rate: float,
    confidence: float,
) -> None:
    """Write the threshold into a bundle, where it counts from the next start on.

    Args:
        bundle: The bundle.
        model_name: The model file that the scores are of.
        threshold: From `bounded_threshold`.
        good_scores: What it was set on.
        false_reject_rate: What it promises.
        confidence: How surely.
    """
    content = {
        "threshold": threshold,
        "false_reject_rate": false_reject_rate,
        "confidence": confidence,
        "good_pictures": len(good_scores),
        "largest_score": max(good_scores),
        "model": model_name,
        "sha256": sha256(bundle.folder / model_name),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    path = bundle.folder / CALIBRATION_FILE
    temporary = path.with_name("." + path.name + ".new")
    temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(str(temporary), str(path))
