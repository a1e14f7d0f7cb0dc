"""An exported file under each runtime against the float model: figures, outcome and words."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganad_station.threshold import is_rejected
from ganad_station.verification import (
    OUTCOMES,
    Interval,
    Outcome,
    RuntimeEntry,
    VerificationEntry,
    worst,
)
from ganad_tf.evaluation.intervals import Estimate
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.exporting.verdict import Rise, auroc_drop, rate_rise

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ErrorCount:
    """The wrong decisions on the images of one class.

    Attributes:
        float_errors: Number of images that the float model decides wrongly, at its threshold.
        exported_errors: Number of images that the file decides wrongly, at its own threshold.
        images: Number of images of the class.
        rise: Rise of the error rate, with the bounds of its 95 % interval.
    """

    float_errors: int
    exported_errors: int
    images: int
    rise: Estimate

    def __str__(self) -> str:
        """Return the counts and the largest rise, such as `1 -> 2 of 90 (at most +4.1 %)`."""
        counts = f"{self.float_errors} -> {self.exported_errors} of {self.images}"
        return f"{counts} (at most {self.rise.high:+.1%})"


@dataclass(frozen=True)
class Comparison:
    """An exported file under one runtime against the float model.

    Attributes:
        exported_auroc: AUROC of the file, in [0, 1].
        difference: `exported_auroc - float_auroc` with its 95 % interval.
        rank_correlation: Spearman's rank correlation of the scores of both.
        false_rejects: The normal images that are rejected.
        misses: The anomalous images that are accepted.
        flipped_to_reject: Number of images that only the file rejects.
        flipped_to_accept: Number of images that only the float model rejects.
        outcome: What the images prove, see `ganad_tf.exporting.verdict`.
        reason: Why the file is not verified, in words; empty if it is.
    """

    exported_auroc: float
    difference: Estimate
    rank_correlation: float
    false_rejects: ErrorCount
    misses: ErrorCount
    flipped_to_reject: int
    flipped_to_accept: int
    outcome: Outcome
    reason: str

    def to_entry(self) -> RuntimeEntry:
        """Return the figures that the manifest of the bundle records."""
        difference, false_rejects, misses = (
            Interval(*dataclasses.astuple(estimate))
            for estimate in (self.difference, self.false_rejects.rise, self.misses.rise)
        )
        return RuntimeEntry(
            self.outcome.value,
            self.reason,
            self.exported_auroc,
            difference,
            false_rejects,
            misses,
        )


@dataclass(frozen=True)
class Verification:
    """An exported file against the float model, on the whole test split.

    Attributes:
        model: File name of the exported file.
        images: Number of test images.
        float_auroc: AUROC of the float Keras generator.
        max_drop: Largest drop of AUROC that passes.
        threshold: The threshold of the float model.
        exported_threshold: The threshold of the file, for all runtimes.
        float_bytes: Size of the float32 weights in bytes.
        exported_bytes: Size of the file in bytes.
        runtimes: The comparison under each runtime that the file can be run in here.
    """

    model: str
    images: int
    float_auroc: float
    max_drop: float
    threshold: float
    exported_threshold: float
    float_bytes: int
    exported_bytes: int
    runtimes: dict[str, Comparison]

    @property
    def decisive(self) -> Comparison:
        """The comparison with the worst outcome; of several, the first."""
        return max(self.runtimes.values(), key=lambda found: OUTCOMES.index(found.outcome.value))

    @property
    def outcome(self) -> Outcome:
        """What is proved of the file: the worst outcome of its runtimes."""
        return self.decisive.outcome

    @property
    def is_verified(self) -> bool:
        """Whether the file decides like the float model under each runtime."""
        return self.outcome is Outcome.VERIFIED

    @property
    def reason(self) -> str:
        """Why the file is not verified, in words; empty if it is."""
        for name, comparison in self.runtimes.items():
            if comparison is self.decisive and comparison.reason:
                return f"{name}: {comparison.reason}"
        return ""

    @property
    def exported_auroc(self) -> float:
        """AUROC of the file, under the decisive runtime."""
        return self.decisive.exported_auroc

    @property
    def difference(self) -> Estimate:
        """`exported_auroc - float_auroc` with its 95 % interval."""
        return self.decisive.difference

    @property
    def rank_correlation(self) -> float:
        """Spearman's rank correlation of the scores of both models."""
        return self.decisive.rank_correlation

    @property
    def false_rejects(self) -> ErrorCount:
        """The normal images that are rejected."""
        return self.decisive.false_rejects

    @property
    def misses(self) -> ErrorCount:
        """The anomalous images that are accepted."""
        return self.decisive.misses

    @property
    def flipped_to_reject(self) -> int:
        """Number of images that only the file rejects."""
        return self.decisive.flipped_to_reject

    @property
    def flipped_to_accept(self) -> int:
        """Number of images that only the float model rejects."""
        return self.decisive.flipped_to_accept

    @property
    def compression(self) -> float:
        """Size of the float32 weights divided by the size of the file."""
        return self.float_bytes / self.exported_bytes

    def to_entry(self) -> VerificationEntry:
        """Return the figures that the manifest of the bundle records."""
        return VerificationEntry(
            float_auroc=self.float_auroc,
            exported_auroc=self.exported_auroc,
            difference=Interval(*dataclasses.astuple(self.difference)),
            max_drop=self.max_drop,
            images=self.images,
            outcome=self.outcome,
            reason=self.reason,
            runtimes={name: found.to_entry() for name, found in self.runtimes.items()},
        )

    def to_dict(self) -> dict[str, object]:
        """Return the figures in the types of JSON: those of the decisive runtime, then of each."""
        return {
            **dataclasses.asdict(self.decisive),
            **dataclasses.asdict(self),
            "is_verified": self.is_verified,
            "reason": self.reason,
        }


def compare(
    scored: ScoredSplit,
    reference: Values,
    *,
    threshold: float,
    float_threshold: float,
    max_drop: float,
) -> Comparison:
    """Compare the scores of an exported file with those of the float model.

    Args:
        scored: The scores of the file, all finite.
        reference: float64 `(count,)`, the scores of the float model for the same images.
        threshold: The threshold of the file.
        float_threshold: The threshold of the float model.
        max_drop: Largest drop of AUROC that passes.
    """
    is_anomaly, scores, parts = scored.is_anomaly, scored.scores, scored.parts
    drop = auroc_drop(scores, reference, parts, is_anomaly, max_drop)
    rejected, float_rejected = (
        is_rejected(values, limit)
        for values, limit in ((scores, threshold), (reference, float_threshold))
    )
    margins, float_margins = scores - threshold, reference - float_threshold
    rises, counts = [], []
    for label in (False, True):
        chosen = is_anomaly == label
        rise = rate_rise(margins[chosen], float_margins[chosen], parts[chosen], label)
        before, after = (decided[chosen] != label for decided in (float_rejected, rejected))
        estimate = Estimate(rise.value, rise.lower_bound(), rise.bound())
        rises.append(rise)
        counts.append(ErrorCount(int(before.sum()), int(after.sum()), len(before), estimate))
    found = (("AUROC", drop), ("false rejects", rises[0]), ("misses", rises[1]))
    outcome = worst(rise.outcome for _, rise in found)
    reasons = [_explain(name, rise) for name, rise in found if rise.outcome is outcome]
    return Comparison(
        exported_auroc=auroc(is_anomaly, scores),
        difference=Estimate(-drop.value, -drop.bound(), -drop.lower_bound()),
        rank_correlation=_rank_correlation(scores, reference),
        false_rejects=counts[0],
        misses=counts[1],
        flipped_to_reject=int((rejected & ~float_rejected).sum()),
        flipped_to_accept=int((~rejected & float_rejected).sum()),
        outcome=outcome,
        reason="" if outcome is Outcome.VERIFIED else "; ".join(reasons),
    )


def _rank_correlation(first: Values, second: Values) -> float:
    """Return Spearman's rank correlation, 0 where all scores of a model are equal."""
    if not np.ptp(first) or not np.ptp(second):
        return 0.0
    return float(stats.spearmanr(first, second).statistic)


def _explain(name: str, rise: Rise) -> str:
    """Say why a rise keeps a file from being verified."""
    is_auroc = name == "AUROC"
    value, bound, limit = (
        f"{figure:.4f}" if is_auroc else f"{100 * figure:.1f} points"
        for figure in (rise.value, rise.bound(), rise.limit)
    )
    verb = "falls" if is_auroc else "rise"
    if rise.outcome is Outcome.FAILED:
        return f"{name} {verb} by {value}, more than {limit}"
    needed = rise.parts_needed()
    advice = (
        f"about {needed} parts a class at these rates would do, here are {rise.parts}"
        if needed is not None
        else "no number of parts would do at these rates"
    )
    may = "may fall" if is_auroc else "may rise"
    return f"{name} {may} by {bound}, more than {limit} ({advice})"
