"""A threshold set on good parts, so that the rate of false rejects it promises holds on new ones.

The fraction of the calibration parts that a threshold rejects says too little about other parts.
Of n good parts, drawn like those to come, let the threshold be the r-th largest score. The fraction
of parts above it then follows the beta distribution with parameters r and n - r + 1, whatever the
distribution of the scores (Wilks, "Determination of sample sizes for setting tolerance limits",
Annals of Mathematical Statistics 12, 1941). The largest r is taken for which that fraction is at
most the promised one with the requested confidence.
"""

import json
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

import numpy as np

from ganad_station.errors import StationError
from ganad_station.fields import LARGEST_NUMBER, Fields
from ganad_station.files import replacing, sha256
from ganad_station.threshold import DEFAULT_CONFIDENCE, TOLERANCE_BOUND, Threshold

CALIBRATION_FILE = "calibration.json"
CALIBRATE_AGAIN = "calibrate again, or remove it"
MOST_PICTURES = 10**9


class Calibration(NamedTuple):
    """The outcome of a calibration, as `calibration.json` records it beside the model.

    The file lies in a bundle, where it replaces the exported threshold, or in a run folder, where
    it holds for the float model.

    Attributes:
        threshold: The largest score that is accepted, >= 0.
        false_reject_rate: At most this fraction of new good parts is rejected, in (0, 1).
        confidence: The probability that this holds, over sets of good parts, in (0, 1).
        good_pictures: Number of good pictures that the threshold was set on.
        largest_score: The largest of their scores.
        model: File name of the model that the scores are of, in the folder of the calibration.
        sha256: SHA-256 of that file, in hexadecimal.
        time: When the threshold was set, ISO 8601 in UTC.
    """

    threshold: float
    false_reject_rate: float
    confidence: float
    good_pictures: int
    largest_score: float
    model: str
    sha256: str
    time: str

    @classmethod
    def make(
        cls,
        model_path: Path,
        good_scores: Sequence[float],
        false_reject_rate: float,
        confidence: float = DEFAULT_CONFIDENCE,
    ) -> "Calibration":
        """Set the threshold of a model with `tolerance_bound`; nothing is written.

        Args:
            model_path: The model file that the scores are of.
            good_scores: The scores of good parts, one per part.
            false_reject_rate: At most this fraction of new good parts is to be rejected, in (0, 1).
            confidence: The probability that this holds, in (0, 1).

        Raises:
            StationError: If the parts are too few for the promise, or a score is not a number.
        """
        return cls(
            tolerance_bound(good_scores, false_reject_rate, confidence),
            false_reject_rate,
            confidence,
            len(good_scores),
            max(good_scores),
            model_path.name,
            sha256(model_path),
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )

    @classmethod
    def read(cls, folder: Path) -> "Optional[Calibration]":
        """Read the calibration in a folder.

        Returns:
            None if there is none.

        Raises:
            StationError: If it is damaged, or was made for another model than the one that lies
                beside it.
        """
        path = folder / CALIBRATION_FILE
        if not path.is_file():
            return None
        fields = Fields.read(path, CALIBRATE_AGAIN)
        calibration = cls(
            fields.number("threshold", 0, LARGEST_NUMBER),
            fields.number("false_reject_rate", 0, 1),
            fields.number("confidence", 0, 1),
            fields.integer("good_pictures", 1, MOST_PICTURES),
            fields.number("largest_score", 0, LARGEST_NUMBER),
            fields.text("model"),
            fields.text("sha256"),
            fields.text("time"),
        )
        model = folder / Path(calibration.model).name
        if not model.is_file() or sha256(model) != calibration.sha256:
            raise StationError(
                f"{path} was made for another {calibration.model}, or for one that is gone: "
                f"{CALIBRATE_AGAIN}"
            )
        return calibration

    def write(self, folder: Path) -> None:
        """Write `calibration.json` into a folder; a running station reads it at its next start."""
        with replacing(folder / CALIBRATION_FILE) as temporary:
            temporary.write_text(json.dumps(self._asdict(), indent=2) + "\n", encoding="utf-8")

    def to_threshold(self) -> Threshold:
        """Return the threshold with its promise."""
        promise = f"{self.good_pictures} pictures of good parts, {percent(self.confidence)}"
        return Threshold(
            self.threshold, self.false_reject_rate, TOLERANCE_BOUND, f"{promise} confidence"
        )


def tolerance_bound(
    good_scores: Sequence[float], false_reject_rate: float, confidence: float = DEFAULT_CONFIDENCE
) -> float:
    """Return the lowest threshold that keeps a promise on new good parts.

    Args:
        good_scores: The scores of good parts, one per part.
        false_reject_rate: At most this fraction of new good parts is to be above it, in (0, 1).
        confidence: The probability, over sets of good parts, that the promise is kept, in (0, 1).

    Returns:
        One of the scores.

    Raises:
        StationError: If the parts are too few for the promise, or a score is not a number.
    """
    count = len(good_scores)
    if not np.isfinite(good_scores).all():
        raise StationError(
            "the model gives good pictures a score that is not a number: export it again"
        )
    rejected = 0
    # P(fraction <= rate) is the probability that, of n parts that are each above the threshold
    # with probability `rate`, r or more are.
    at_least_one_more = 1 - _binomial(0, count, false_reject_rate)
    while rejected < count and at_least_one_more >= confidence:
        rejected += 1
        at_least_one_more -= _binomial(rejected, count, false_reject_rate)
    if not rejected:
        needed = parts_needed(false_reject_rate, confidence)
        raise StationError(
            f"{count} good pictures cannot promise {percent(false_reject_rate)} false rejects with "
            f"{percent(confidence)} confidence: give {needed} or more, or raise the rate"
        )
    return sorted(good_scores)[count - rejected]


def percent(fraction: float) -> str:
    """Write a fraction in percent, with all its digits."""
    return f"{100 * fraction:.10g} %"


def parts_needed(false_reject_rate: float, confidence: float = DEFAULT_CONFIDENCE) -> int:
    """Return the smallest number of good parts with which the promise can be made."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-false_reject_rate))


def _binomial(hits: int, count: int, rate: float) -> float:
    """Return the binomial probability of `hits` in `count` trials."""
    if hits > count:
        return 0.0
    ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
    return math.exp(ways + hits * math.log(rate) + (count - hits) * math.log1p(-rate))
