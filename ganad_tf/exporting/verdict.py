"""The statistics of a verification: does an exported file decide like the float model?

Both models score the same test images; each decides at its own threshold. Three quantities must not
rise by more than a limit: the fraction of pairs of a normal and an anomalous image that are ranked
wrongly (one minus the AUROC), the false-reject rate, and the miss rate. Each rise gets an upper
confidence bound, from images of different parts, so that it holds for new parts, too.

The counts alone tell little: if none of 53 decisions flips, up to 5.5 % of new ones may. The scores
tell more. Let u be the float score of an image minus the threshold of the float model, and v the
same of the file. The move v - u is what quantization did, after the shift that the threshold of the
file takes out. **All moves are magnified by a factor k** and the flips are counted again, at u + k
(v - u). Let H(k) be the rate of flips to the worse decision among new images. Then

    H(1) <= H(k) / k

if the density of the float scores does not fall from the threshold towards the bulk of their class:
for moves of m, the rate is P(0 <= -u < k m), the area under that density up to k m, and an area
under a curve that does not fall is convex in k. This holds for every unimodal distribution whose
mode is farther from the threshold than k moves: there the threshold lies in a tail. It also holds
for moves that depend on the score or on the image. So if none of 53 decisions flips at 10 times the
moves, at most .55 % of new ones flip, not 5.5 %. For the AUROC, u is the difference of the scores
of a pair. Unimodality is what the inequalities of Gauss (1823) and of Vysochanskij and Petunin
("Justification of the 3 sigma rule for unimodal distributions", Theory of Probability and
Mathematical Statistics 21, 1980) add to that of Chebyshev, for the same reason.

What is assumed is checked as far as the images allow. A factor counts only if at most a twentieth
of the images or pairs flip under it, so that k moves end well before the mode, and if k times as
many flip as without it, but for less than one part. What cannot be checked: that no new image moves
farther, in units of its distance from the threshold, than all that were tested. Where scores move
by as much as they differ, these conditions hold for no factor above 1, and only the flips
themselves count.

For each factor, the upper bound of a rate is that of Clopper and Pearson ("The use of confidence or
fiducial limits", Biometrika 26, 1934), with parts as trials. A rate of pairs has as many trials as
the smaller class has parts, because so many pairs are independent (Hoeffding, "Probability
inequalities for sums of bounded random variables", Journal of the American Statistical Association
58, 1963). Where at least `NORMAL_FROM` parts of each class flip, the bound is the rate plus a
multiple, from Student's t, of its standard error over parts, of DeLong for pairs (see
`ganad_tf.evaluation.intervals.delong`); without magnification it is then the net rise:
flips to the better decision count, too. The tail of 2.5 % is divided among the factors
(Bonferroni), so that the smallest of their bounds holds with 97.5 % confidence, as the end of a 95
% interval does.

A file is verified if all three bounds are within their limits. It failed if one of the rises is
above its limit and beyond chance, at the 5 % level: among flipped decisions by the sign test, for
the AUROC by Student's t. Otherwise the images cannot tell.

The limit of both rates, `MAX_RATE_RISE`, is two percentage points. The threshold itself is less
certain: one that is set on 100 good parts can promise no less than 3 % false rejects with 95 %
confidence, on 25 no less than 11 %. A file within the limit changes what the float model does by
less than the choice of these parts did.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganad_station.threshold import is_rejected
from ganad_station.verification import Outcome
from ganad_tf.config.defaults import MAX_RATE_RISE

Values = NDArray[np.float64]

FACTORS = (1, 3, 10, 30, 100)
TAIL = 0.025
LARGEST_RATE = 0.05
"""A factor under which more of the images or pairs flip than this fraction does not count."""
NORMAL_FROM = 10
SIGNIFICANCE = 0.05
MOST_TIMES = 1e4
ROWS = 256
"""Number of normal images that are compared with all anomalous ones at once."""


@dataclass(frozen=True)
class Flips:
    """How many decisions, or orders of pairs, flip under one factor.

    Attributes:
        worse: Rate of flips to the worse, in [0, 1].
        worse_error: Standard error of that rate over parts.
        rise: Rate of flips to the worse minus that of flips to the better, in [-1, 1].
        rise_error: Standard error of the rise over parts.
        flipped: Number of parts that flip, in the class where there are fewer.
    """

    worse: float
    worse_error: float
    rise: float
    rise_error: float
    flipped: float

    def bound(self, factor: int, parts: float, times: float = 1) -> float:
        """Return the upper bound of the rise without magnification that this factor implies.

        Args:
            factor: The factor of all moves.
            parts: Number of parts, in the class where there are fewer.
            times: The bound is that of so many times as many parts with the same rates.
        """
        tail, parts = TAIL / len(FACTORS), parts * times
        if self.flipped * times >= NORMAL_FROM:
            rate, error = (
                (self.rise, self.rise_error) if factor == 1 else (self.worse, self.worse_error)
            )
            quantile = stats.t.ppf(1 - tail, self.flipped * times - 1)
            return float(rate + quantile * error / np.sqrt(times)) / factor
        hits = self.worse * parts
        if hits >= parts:
            return 1.0
        return float(stats.beta.ppf(1 - tail, hits + 1, parts - hits)) / factor


@dataclass(frozen=True)
class Rise:
    """By how much a rate of errors rises from the float model to the exported file.

    Attributes:
        limit: Largest rise that passes.
        parts: Number of parts, in the class where there are fewer.
        flips: What flips under each of `FACTORS`.
        is_beyond_chance: Whether the rise differs from 0 at the level `SIGNIFICANCE`.
    """

    limit: float
    parts: int
    flips: tuple[Flips, ...]
    is_beyond_chance: bool

    @property
    def value(self) -> float:
        """The rise on the test images."""
        return self.flips[0].rise

    def bound(self, times: float = 1) -> float:
        """Return the upper bound of the rise; `times` as in `Flips.bound`."""
        bounds = [
            flips.bound(factor, self.parts, times)
            for factor, flips in zip(FACTORS, self.flips, strict=True)
            if factor == 1 or self._counts(factor, flips)
        ]
        # A bound below what was observed is of a factor whose assumption the images contradict.
        return min(1.0, *(bound for bound in bounds if bound >= self.value))

    def _counts(self, factor: int, flips: Flips) -> bool:
        """Return whether the images bear out what is assumed of a factor."""
        unmagnified = self.flips[0]
        less_than_a_part = 0 if unmagnified.flipped >= NORMAL_FROM else 1 / self.parts
        is_convex = factor * unmagnified.worse <= flips.worse + less_than_a_part
        return is_convex and flips.worse <= LARGEST_RATE

    def lower_bound(self) -> float:
        """Return the lower bound of the rise, from the flips without magnification."""
        flips = self.flips[0]
        if flips.flipped >= NORMAL_FROM:
            quantile = stats.t.ppf(1 - TAIL, flips.flipped - 1)
            return float(flips.rise - quantile * flips.rise_error)
        hits = (flips.worse - flips.rise) * self.parts
        if hits >= self.parts:
            return -1.0
        return -float(stats.beta.ppf(1 - TAIL, hits + 1, self.parts - hits))

    @property
    def outcome(self) -> Outcome:
        """What the test images prove."""
        if self.bound() <= self.limit:
            return Outcome.VERIFIED
        is_worse = self.value > self.limit and self.is_beyond_chance
        return Outcome.FAILED if is_worse else Outcome.UNDECIDED

    def parts_needed(self) -> int | None:
        """Return with how many parts a class, at the same rates, the file would be verified.

        Returns:
            None if no number would do.
        """
        times = 1.0
        while times < MOST_TIMES:
            if self.bound(times) <= self.limit:
                return int(np.ceil(times * self.parts))
            times *= 1.1
        return None


def rate_rise(
    margins: Values, float_margins: Values, parts: NDArray[np.int64], is_anomaly: bool
) -> Rise:
    """Compare the decisions on the images of one class.

    Args:
        margins: float64 `(count,)`, the scores of the file minus its threshold.
        float_margins: float64 `(count,)`, the same of the float model.
        parts: int64 `(count,)`, the number of the part that each image shows.
        is_anomaly: Whether rejecting the images is right.
    """
    before = is_rejected(float_margins, 0.0)
    flips = []
    for factor in FACTORS:
        after = is_rejected(_magnified(margins, float_margins, factor), 0.0)
        change = after.astype(np.float64) - before
        change = -change if is_anomaly else change
        worse = np.maximum(change, 0)
        flips.append(
            Flips(
                float(worse.mean()),
                _error(worse, parts),
                float(change.mean()),
                _error(change, parts),
                len(np.unique(parts[change != 0])),
            )
        )
        if factor == 1:
            count, better = (len(np.unique(parts[chosen])) for chosen in (change > 0, change < 0))
    chance = stats.binom.sf(count - 1, count + better, 0.5)
    return Rise(MAX_RATE_RISE, len(np.unique(parts)), tuple(flips), bool(chance <= SIGNIFICANCE))


def auroc_drop(
    scores: Values,
    float_scores: Values,
    parts: NDArray[np.int64],
    is_anomaly: NDArray[np.bool_],
    max_drop: float,
) -> Rise:
    """Compare the order of all pairs of a normal and an anomalous image.

    Args:
        scores: float64 `(count,)`, the scores of the file.
        float_scores: float64 `(count,)`, the scores of the float model.
        parts: int64 `(count,)`, the number of the part that each image shows.
        is_anomaly: bool `(count,)`, the label of each image.
        max_drop: Largest drop of the AUROC that passes.
    """
    classes = [parts[~is_anomaly], parts[is_anomaly]]
    fewest = min(len(np.unique(members)) for members in classes)
    flips = []
    for factor in FACTORS:
        magnified = _magnified(scores, float_scores, factor)
        lost, gained = _lost_and_gained(magnified, float_scores, is_anomaly)
        net = [worse - better for worse, better in zip(lost, gained, strict=True)]
        changed = [
            len(np.unique(members[worse + better > 0]))
            for members, worse, better in zip(classes, lost, gained, strict=True)
        ]
        lost_error, net_error = (_combined_error(rows, classes) for rows in (lost, net))
        flips.append(
            Flips(
                float(lost[0].mean()),
                lost_error,
                float(net[0].mean()),
                net_error,
                min(changed),
            )
        )
    drop = flips[0]
    least = drop.rise - stats.t.ppf(1 - SIGNIFICANCE, max(fewest - 1, 1)) * drop.rise_error
    return Rise(max_drop, fewest, tuple(flips), fewest > 1 and bool(least > 0))


def _magnified(values: Values, float_values: Values, factor: int) -> Values:
    return values if factor == 1 else float_values + factor * (values - float_values)


def _lost_and_gained(
    scores: Values, float_scores: Values, is_anomaly: NDArray[np.bool_]
) -> tuple[list[Values], list[Values]]:
    """Return which fraction of its pairs each image loses and gains; ties count one half.

    Returns:
        What is lost by each normal image and by each anomalous one, and what is gained.
    """
    normals, anomalies = scores[~is_anomaly], scores[is_anomaly]
    float_normals, float_anomalies = float_scores[~is_anomaly], float_scores[is_anomaly]
    lost, gained = ([np.zeros(len(normals)), np.zeros(len(anomalies))] for _ in range(2))
    for start in range(0, len(normals), ROWS):
        rows = slice(start, start + ROWS)
        after = np.sign(anomalies - normals[rows, np.newaxis])
        change = (after - np.sign(float_anomalies - float_normals[rows, np.newaxis])) / 2
        for sums, part in ((lost, np.maximum(-change, 0)), (gained, np.maximum(change, 0))):
            sums[0][rows] = part.mean(axis=1)
            sums[1] += part.sum(axis=0) / len(normals)
    return lost, gained


def _combined_error(values: list[Values], parts: list[NDArray[np.int64]]) -> float:
    """Return the standard error of the mean over pairs, from what each image of a class loses."""
    each = [_error(sums, members) for sums, members in zip(values, parts, strict=True)]
    return float(np.linalg.norm(each))


def _error(values: Values, parts: NDArray[np.int64]) -> float:
    """Return the standard error of the mean of values that are dependent within each part."""
    numbers = np.unique(parts, return_inverse=True)[1]
    sums = np.bincount(numbers, values - values.mean())
    if len(sums) < 2:
        return 1.0
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)) / len(values))
