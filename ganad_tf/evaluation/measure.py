"""The figures of a scorer on a test split."""

import logging
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
from ganad_tf.evaluation.intervals import Estimate, auroc_interval, proportion
from ganad_tf.evaluation.localization import Localization
from ganad_tf.evaluation.metrics import average_precision, best_f1, recall_at
from ganad_tf.evaluation.resampling import bootstrap
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.words import (
    describe_chance,
    describe_verdict,
    is_chance,
    parts_to_resolve,
)
from ganad_tf.run import Run

MOST = 2**63
FALSE_REJECT_RATES = (0.001, 0.01, 0.1)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """Figures of a scorer on a test split, each with its 95 % interval over parts.

    Attributes:
        images: Number of images.
        parts: Number of parts that they show.
        normal_images: Number of normal images; 0 if it was not recorded.
        normal_parts: Number of parts that they show; 0 if it was not recorded.
        anomalous_parts: Number of parts that the other images show; 0 if it was not recorded.
        auroc: Area under the ROC curve, see `auroc_interval`.
        auroc_of_parts: AUROC of the mean scores of the parts; None where each part has one image.
        average_precision: Average precision with anomalies as the positive class.
        best_f1: Largest F1 score over all thresholds.
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
        images_by_kind: Number of images of each kind of anomaly, by its name; empty if it was not
            recorded.
        auroc_by_kind: AUROC of each kind of anomaly against all normal images, by the name of the
            kind.
        unseen_kinds: Kinds of anomalies that training and validation have no images of.
        seen_auroc: AUROC of all other kinds together, None where there are no unseen kinds.
        unseen_auroc: AUROC of the unseen kinds together, None where there are none.
        recall_at: Fraction of the anomalies that are rejected by the threshold that rejects a given
            fraction of the normal images, by that fraction; without the fractions that are less
            than one normal part.
        localization: Figures of the error maps against the masks, None without masks.
    """

    images: int
    parts: int
    normal_images: int
    normal_parts: int
    anomalous_parts: int
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
    images_by_kind: dict[str, int]
    auroc_by_kind: dict[str, Estimate]
    unseen_kinds: tuple[str, ...]
    seen_auroc: Estimate | None
    unseen_auroc: Estimate | None
    recall_at: dict[str, Estimate]
    localization: Localization | None = None

    @property
    def is_chance(self) -> bool:
        """Whether the scores may be no better than chance, see `is_chance`."""
        return is_chance(self.auroc)

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
    def verdict(self) -> str:
        """What the detector finds on the test split, see `describe_verdict`."""
        return describe_verdict(self.auroc, self.miss_rate, self.false_reject_rate)

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
    normal_parts, anomalous_parts = scored.parts_by_class
    seen_auroc, unseen_auroc = auroc_seen_and_unseen(scored, unseen_kinds)
    return Evaluation(
        images=len(scored),
        parts=len(np.unique(parts)),
        normal_images=int(np.count_nonzero(~is_anomaly)),
        normal_parts=normal_parts,
        anomalous_parts=anomalous_parts,
        auroc=auroc_interval(scored),
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
        images_by_kind={
            name: int(np.sum(scored.with_anomalies_of({name}).is_anomaly))
            for name in scored.anomaly_kinds
        },
        auroc_by_kind=auroc_by_kind(scored),
        unseen_kinds=unseen_kinds,
        seen_auroc=seen_auroc,
        unseen_auroc=unseen_auroc,
        recall_at={
            f"{rate:g}": bootstrap(recall_at(rate), scored)
            for rate in FALSE_REJECT_RATES
            if normal_parts >= parts_to_resolve(rate)
        },
        localization=localization,
    )


def _auroc_of_parts(scored: ScoredSplit) -> Estimate | None:
    by_part = scored.average_by_part()
    return auroc_interval(by_part) if len(by_part) < len(scored) else None


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

    Args:
        scored: The scores of a split.
        kinds: Names of the kinds; the split has images of at least one of them.
    """
    return auroc_interval(scored.with_anomalies_of(kinds))


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
        counts = fields.optional_fields("images_by_kind")
        return Evaluation(
            images=images,
            parts=fields.integer("parts", 1, images) if "parts" in fields else images,
            normal_images=_read_count(fields, "normal_images"),
            normal_parts=_read_count(fields, "normal_parts"),
            anomalous_parts=_read_count(fields, "anomalous_parts"),
            auroc=_read_estimate(fields.fields("auroc")),
            auroc_of_parts=_read_optional(fields, "auroc_of_parts"),
            average_precision=_read_estimate(fields.fields("average_precision")),
            best_f1=_read_estimate(fields.fields("best_f1")),
            requested_false_reject_rate=fields.number("requested_false_reject_rate", 0, 1),
            promised_false_reject_rate=threshold.false_reject_rate,
            confidence=threshold.confidence,
            good_parts=threshold.good_parts,
            threshold=threshold.value,
            false_reject_rate=_read_estimate(fields.fields("false_reject_rate")),
            miss_rate=_read_estimate(fields.fields("miss_rate")),
            images_by_kind={}
            if counts is None
            else {n: counts.integer(n, 1, MOST) for n in counts.names},
            auroc_by_kind={name: _read_estimate(by_kind.fields(name)) for name in by_kind.names},
            unseen_kinds=run.config.data.unseen_kinds,
            seen_auroc=_read_optional(fields, "seen_auroc"),
            unseen_auroc=_read_optional(fields, "unseen_auroc"),
            recall_at={name: _read_estimate(recall.fields(name)) for name in recall.names},
            localization=None if localization is None else _read_localization(localization),
        )


def _read_count(fields: Fields, name: str) -> int:
    return fields.integer(name, 0, MOST) if name in fields else 0


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


def warn_of_chance(run: Run) -> None:
    """Warn if an evaluated run may be no better than chance on its test split.

    Raises:
        UserError: If the evaluation is damaged.
    """
    if run.is_evaluated and (evaluation := read_evaluation(run)).is_chance:
        logger.warning("%s", describe_chance(evaluation.auroc, "the test split"))
