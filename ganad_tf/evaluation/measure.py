"""The figures of a scorer on a test split."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ganad_station.fields import Fields
from ganad_station.threshold import (
    ORDER_STATISTIC,
    TOLERANCE_BOUND,
    Threshold,
    describe_promise,
    is_rejected,
)
from ganad_tf.errors import station_errors_as_user_errors
from ganad_tf.evaluation.intervals import Estimate, auroc_difference, bootstrap, proportion
from ganad_tf.evaluation.localization import Localization
from ganad_tf.evaluation.metrics import auroc, average_precision, best_f1, recall_at
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.run import Run

MOST = 2**63
FALSE_REJECT_RATES = (0.0, 0.001, 0.01)


@dataclass(frozen=True)
class Evaluation:
    """Figures of a scorer on a test split, each with its 95 % interval over parts.

    Attributes:
        images: Number of images.
        parts: Number of parts that they show.
        auroc: Area under the ROC curve, with a bootstrap interval.
        auroc_of_parts: AUROC of the mean scores of the parts, with a bootstrap interval; None where
            each part has one image.
        average_precision: Average precision with anomalies as the positive class, with a bootstrap
            interval.
        best_f1: Largest F1 score over all thresholds, with a bootstrap interval.
        requested_false_reject_rate: The false-reject rate that was asked for.
        promised_false_reject_rate: The false-reject rate that the threshold promises on new good
            parts; larger than the requested rate where validation has too few good parts.
        confidence: The probability that this promise is kept; 0 where there is none, as in
            evaluations by older programs.
        good_parts: Number of good parts of validation that the threshold was set on; 0 if it was
            not recorded.
        threshold: The largest score that is accepted, set on the normal images of validation.
        false_reject_rate: Fraction of the normal images that are rejected.
        miss_rate: Fraction of the anomalies that are accepted.
        auroc_by_kind: AUROC of each kind of anomaly against all normal images, by the name of the
            kind, with DeLong's interval.
        unseen_kinds: Kinds of anomalies that training and validation have no images of.
        seen_auroc: AUROC of all other kinds together, None where there are no unseen kinds.
        unseen_auroc: AUROC of the unseen kinds together, None where there are none.
        recall_at: Fraction of the anomalies that are rejected by the threshold that rejects a given
            fraction of the normal images, by that fraction, with bootstrap intervals.
        localization: Figures of the error maps against the masks, None without masks.
    """

    images: int
    parts: int
    auroc: Estimate
    auroc_of_parts: Estimate | None
    average_precision: Estimate
    best_f1: Estimate
    requested_false_reject_rate: float
    promised_false_reject_rate: float
    confidence: float
    good_parts: int
    threshold: float
    false_reject_rate: Estimate
    miss_rate: Estimate
    auroc_by_kind: dict[str, Estimate]
    unseen_kinds: tuple[str, ...]
    seen_auroc: Estimate | None
    unseen_auroc: Estimate | None
    recall_at: dict[str, Estimate]
    localization: Localization | None = None

    @property
    def promise(self) -> str:
        """What the threshold promises, see `ganad_station.threshold.describe_promise`."""
        return describe_promise(
            Threshold(
                self.threshold,
                self.promised_false_reject_rate,
                TOLERANCE_BOUND if self.confidence else ORDER_STATISTIC,
                "",
                self.confidence,
                self.good_parts,
                self.requested_false_reject_rate,
            )
        )

    @property
    def worst_kinds_first(self) -> list[tuple[str, Estimate]]:
        """The name and the AUROC of each kind of anomaly, by increasing AUROC."""
        return sorted(self.auroc_by_kind.items(), key=lambda item: item[1].value)


def measure(
    scored: ScoredSplit,
    threshold: Threshold,
    unseen_kinds: tuple[str, ...] = (),
    localization: Localization | None = None,
) -> Evaluation:
    """Compute the figures of a test split.

    Args:
        scored: The scores of the split.
        threshold: The threshold of the detector.
        unseen_kinds: Kinds of anomalies that training and validation have no images of.
        localization: Figures of the error maps, None without masks.
    """
    is_anomaly, parts = scored.is_anomaly, scored.parts
    rejected = is_rejected(scored.scores, threshold.value)
    seen_auroc, unseen_auroc = auroc_seen_and_unseen(scored, unseen_kinds)
    return Evaluation(
        images=len(scored),
        parts=len(np.unique(parts)),
        auroc=bootstrap(auroc, scored),
        auroc_of_parts=_auroc_of_parts(scored),
        average_precision=bootstrap(average_precision, scored),
        best_f1=bootstrap(best_f1, scored),
        requested_false_reject_rate=threshold.requested_rate,
        promised_false_reject_rate=threshold.false_reject_rate,
        confidence=threshold.confidence,
        good_parts=threshold.good_parts,
        threshold=threshold.value,
        false_reject_rate=proportion(rejected[~is_anomaly], parts[~is_anomaly]),
        miss_rate=proportion(~rejected[is_anomaly], parts[is_anomaly]),
        auroc_by_kind=auroc_by_kind(scored),
        unseen_kinds=unseen_kinds,
        seen_auroc=seen_auroc,
        unseen_auroc=unseen_auroc,
        recall_at={f"{rate:g}": bootstrap(recall_at(rate), scored) for rate in FALSE_REJECT_RATES},
        localization=localization,
    )


def _auroc_of_parts(scored: ScoredSplit) -> Estimate | None:
    by_part = scored.average_by_part()
    return bootstrap(auroc, by_part) if len(by_part) < len(scored) else None


def auroc_by_kind(scored: ScoredSplit) -> dict[str, Estimate]:
    """Return the AUROC of each kind of anomaly by its name, see `auroc_of_kinds`."""
    return {name: auroc_of_kinds(scored, {name}) for name in scored.anomaly_kinds}


def auroc_seen_and_unseen(
    scored: ScoredSplit, unseen_kinds: tuple[str, ...]
) -> tuple[Estimate | None, Estimate | None]:
    """Return the AUROC of the seen kinds and of the unseen ones, None where all were seen."""
    if not unseen_kinds:
        return None, None
    seen = set(scored.anomaly_kinds) - set(unseen_kinds)
    return auroc_of_kinds(scored, seen), auroc_of_kinds(scored, unseen_kinds)


def auroc_of_kinds(scored: ScoredSplit, kinds: Collection[str]) -> Estimate:
    """Estimate the AUROC of some kinds of anomalies against all normal images.

    The interval is DeLong's, which needs no resampling, see `auroc_difference`. A single part has
    no variance, and gets the interval [0, 1].

    Args:
        scored: The scores of a split.
        kinds: Names of the kinds; the split has images of at least one of them.
    """
    chosen = scored.with_anomalies_of(kinds)
    value = auroc(chosen.is_anomaly, chosen.scores)
    if chosen.fewest_parts < 2:
        return Estimate(value, 0.0, 1.0)
    # Constant scores have an AUROC of 1/2 without any variance.
    gain = auroc_difference(chosen, np.zeros_like(chosen.scores))
    return Estimate(value, max(0.0, gain.low + 0.5), min(1.0, gain.high + 0.5))


def read_evaluation(run: Run) -> Evaluation:
    """Read the figures that `evaluate` wrote into the folder of a run.

    Raises:
        UserError: If the run is not evaluated, or the file is damaged.
    """
    with station_errors_as_user_errors():
        fields, threshold = run.read_metrics(), run.evaluated_threshold
        images = fields.integer("images", 1, MOST)
        recall, by_kind = fields.fields("recall_at"), fields.fields("auroc_by_kind")
        localization = fields.optional_fields("localization")
        return Evaluation(
            images=images,
            parts=fields.integer("parts", 1, images) if "parts" in fields else images,
            auroc=_read_estimate(fields.fields("auroc")),
            auroc_of_parts=_read_optional(fields, "auroc_of_parts"),
            average_precision=_read_estimate(fields.fields("average_precision")),
            best_f1=_read_estimate(fields.fields("best_f1")),
            requested_false_reject_rate=threshold.requested_rate,
            promised_false_reject_rate=threshold.false_reject_rate,
            confidence=threshold.confidence,
            good_parts=threshold.good_parts,
            threshold=threshold.value,
            false_reject_rate=_read_estimate(fields.fields("false_reject_rate")),
            miss_rate=_read_estimate(fields.fields("miss_rate")),
            auroc_by_kind={name: _read_estimate(by_kind.fields(name)) for name in by_kind.names},
            unseen_kinds=run.config.data.unseen_kinds,
            seen_auroc=_read_optional(fields, "seen_auroc"),
            unseen_auroc=_read_optional(fields, "unseen_auroc"),
            recall_at={name: _read_estimate(recall.fields(name)) for name in recall.names},
            localization=None if localization is None else _read_localization(localization),
        )


def _read_localization(fields: Fields) -> Localization:
    return Localization(
        _read_estimate(fields.fields("pixel_auroc")),
        _read_estimate(fields.fields("aupro")),
        fields.integer("pictures", 1, MOST),
    )


def _read_optional(fields: Fields, name: str) -> Estimate | None:
    estimate = fields.optional_fields(name)
    return None if estimate is None else _read_estimate(estimate)


def _read_estimate(fields: Fields) -> Estimate:
    value, low, high = (fields.number(name, 0, 1) for name in ("value", "low", "high"))
    return Estimate(value, low, high)
