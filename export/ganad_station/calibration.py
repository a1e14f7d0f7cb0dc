"""A threshold set on good parts, so that the rate of false rejects it promises holds on new ones.

The fraction of the calibration parts that a threshold rejects says too little about other parts.
Of n good parts, drawn like those to come, let the threshold be the r-th largest score. The fraction
of parts above it then follows the beta distribution with parameters r and n - r + 1, whatever the
distribution of the scores (Wilks, "Determination of sample sizes for setting tolerance limits",
Annals of Mathematical Statistics 12, 1941). The largest r is taken for which that fraction is at
most the requested one with the requested confidence. Where n is too small even for r = 1, the
largest score is the threshold, and it promises the rate that n parts can promise.
"""

import json
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from ganad_station.errors import StationError
from ganad_station.fields import LARGEST_NUMBER, Fields
from ganad_station.files import replacing, sha256
from ganad_station.threshold import (
    DEFAULT_CONFIDENCE,
    TOLERANCE_BOUND,
    Threshold,
    parts_needed,
)

CALIBRATION_FILE = "calibration.json"
CALIBRATE_AGAIN = "calibrate again, or remove it"
MOST_PICTURES = 10**9
CALIBRATION_PICTURES = "pictures of good parts"


class Calibration(NamedTuple):
    """The outcome of a calibration, as `calibration.json` records it beside the model.

    The file lies in a bundle, where it replaces the exported threshold, or in a run folder, where
    it holds for the float model.

    Attributes:
        threshold: The largest score that is accepted, >= 0.
        false_reject_rate: At most this fraction of new good parts is rejected, in (0, 1).
        confidence: The probability that this holds, over sets of good parts, in (0, 1).
        good_pictures: Number of different good pictures that the threshold was set on.
        largest_score: The largest of their scores.
        model: File name of the model that the scores are of, in the folder of the calibration.
        sha256: SHA-256 of that file, in hexadecimal.
        time: When the threshold was set, ISO 8601 in UTC.
        requested_false_reject_rate: The rate that was asked for, in (0, 1); smaller than
            `false_reject_rate` if the pictures are too few to promise it.
    """

    threshold: float
    false_reject_rate: float
    confidence: float
    good_pictures: int
    largest_score: float
    model: str
    sha256: str
    time: str
    requested_false_reject_rate: float

    @classmethod
    def make(
        cls,
        model_path: Path,
        good_scores: Sequence[float],
        false_reject_rate: float,
        confidence: float = DEFAULT_CONFIDENCE,
        parts: Optional[Sequence[int]] = None,
    ) -> "Calibration":
        """Set the threshold of a model with `set_threshold`; nothing is written.

        Args:
            model_path: The model file that the scores are of.
            good_scores: The scores of pictures of good parts.
            false_reject_rate: At most this fraction of new good parts is to be rejected, in (0, 1).
            confidence: The probability that this holds, in (0, 1).
            parts: The number of the part that each picture shows; None if each shows another one.

        Raises:
            StationError: If there are no scores, or a score is not a number.
        """
        threshold = set_threshold(
            good_scores, parts, CALIBRATION_PICTURES, false_reject_rate, confidence
        )
        return cls(
            threshold.value,
            threshold.false_reject_rate,
            threshold.confidence,
            threshold.good_parts,
            max(good_scores),
            model_path.name,
            sha256(model_path),
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
            threshold.requested_rate,
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
        value = fields.number("threshold", 0, LARGEST_NUMBER)
        rate = fields.number("false_reject_rate", 0, 1)
        requested = "requested_false_reject_rate"
        calibration = cls(
            value,
            rate,
            fields.number("confidence", 0, 1),
            fields.integer("good_pictures", 1, MOST_PICTURES),
            fields.number("largest_score", 0, LARGEST_NUMBER),
            fields.text("model"),
            fields.text("sha256"),
            fields.text("time"),
            # Older programs refused pictures that were too few to promise the requested rate.
            fields.number(requested, 0, 1) if requested in fields else rate,
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
        return Threshold(
            self.threshold,
            self.false_reject_rate,
            TOLERANCE_BOUND,
            CALIBRATION_PICTURES,
            self.confidence,
            self.good_pictures,
            self.requested_false_reject_rate,
        )


def set_threshold(
    good_scores: Sequence[float],
    parts: Optional[Sequence[int]],
    calibrated_on: str,
    false_reject_rate: float,
    confidence: float = DEFAULT_CONFIDENCE,
) -> Threshold:
    """Set the lowest threshold that keeps a promise on new good parts.

    A part is rejected if any of its pictures is; the pictures of a part count once, with their
    largest score.

    Args:
        good_scores: The scores of pictures of good parts.
        parts: The number of the part that each picture shows; None if each shows another one.
        calibrated_on: The pictures, in words.
        false_reject_rate: At most this fraction of new good parts is to be rejected, in (0, 1).
        confidence: The probability, over sets of good parts, that the promise is kept, in (0, 1).

    Returns:
        One of the scores, with the promise that it keeps: the requested rate or, where the parts
        are too few for it, the largest score and the rate that so many parts can promise.

    Raises:
        StationError: If the rate or the confidence cannot be promised, there are no scores, or a
            score is not a number.
    """
    for name, fraction in (("false-reject rate", false_reject_rate), ("confidence", confidence)):
        if not 0 < fraction < 1:
            raise StationError(
                f"a {name} of {fraction:g} cannot be promised: give a fraction above 0 and below 1"
            )
    scores = largest_of_parts(good_scores, parts)
    count = len(scores)
    if not count:
        raise StationError("there are no good pictures to set a threshold on: add some")
    rejected = _may_be_rejected(count, false_reject_rate, confidence)
    promised = false_reject_rate
    if not rejected:
        rejected, promised = 1, -math.expm1(math.log1p(-confidence) / count)
    return Threshold(
        scores[count - rejected],
        promised,
        TOLERANCE_BOUND,
        calibrated_on,
        confidence,
        count,
        false_reject_rate,
    )


def largest_of_parts(scores: Sequence[float], parts: Optional[Sequence[int]]) -> List[float]:
    """Return the largest score of each part in increasing order, see `set_threshold`.

    Raises:
        StationError: If a score is not a number.
    """
    if not np.isfinite(scores).all():
        raise StationError(
            "the model gives good pictures a score that is not a number: export it again"
        )
    largest: Dict[int, float] = {}
    for part, score in zip(range(len(scores)) if parts is None else parts, scores):
        largest[part] = max(score, largest.get(part, score))
    return sorted(map(float, largest.values()))


def _may_be_rejected(count: int, rate: float, confidence: float) -> int:
    """Return the largest rank from above that a threshold may have, 0 if no rank keeps the promise.

    P(fraction <= rate) is the probability that, of n parts that are each above the threshold with
    probability `rate`, at least as many are as the rank says.
    """
    if count < parts_needed(rate, confidence):
        return 0
    rank = 1
    at_least_one_more = 1 - _binomial(0, count, rate) - _binomial(1, count, rate)
    while rank < count and at_least_one_more >= confidence:
        rank += 1
        at_least_one_more -= _binomial(rank, count, rate)
    return rank


def _binomial(hits: int, count: int, rate: float) -> float:
    """Return the binomial probability of `hits` in `count` trials."""
    if hits > count:
        return 0.0
    ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
    return math.exp(ways + hits * math.log(rate) + (count - hits) * math.log1p(-rate))
