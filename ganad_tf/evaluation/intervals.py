"""Confidence intervals of the figures of a scorer.

Images of the same part are similar, and so are their scores: six exposures of one part say little
more about future parts than one does. All intervals therefore treat parts as the random sample, not
images. This makes no difference where each image shows a part of its own.

`python -m tools.coverage` measures how often the intervals hold the truth.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from ganad_tf.evaluation.scored_split import ScoredSplit

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
Parts = NDArray[np.int64]

CONFIDENCE = 0.95
LEAST_HITS = 1e-9
TAIL = (1 - CONFIDENCE) / 2


@dataclass(frozen=True)
class Estimate:
    """An estimate with its confidence interval.

    Attributes:
        value: The estimated figure.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
    """

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Return `value [low, high]`, each formatted with `spec`, by default `.4f`."""
        value, low, high = (format(end, spec or ".4f") for end in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"


def mid_p_interval(value: float, trials: float) -> tuple[float, float]:
    """Return the ends of the 95 % mid-P interval of a proportion.

    It is the interval of Clopper and Pearson, except that the observed number of hits counts half
    among those that are as extreme (Berry and Armitage, "Mid-P confidence intervals: a brief
    review", The Statistician 44, 1995). It depends on the number of trials even if all or none
    are hits.

    Args:
        value: The proportion of hits, in [0, 1].
        trials: Number of trials, which need not be an integer, >= 1.
    """
    hits = value * trials
    return _mid_p_low(hits, trials - hits), 1 - _mid_p_low(trials - hits, hits)


def _mid_p_low(hits: float, misses: float) -> float:
    """Return the largest proportion under which so many hits or more are too unlikely."""
    if hits < LEAST_HITS:
        return 0.0

    def excess(rate: float) -> float:
        as_many = special.betainc(hits, misses + 1, rate)
        more = special.betainc(hits + 1, misses, rate) if misses > LEAST_HITS else 0.0
        return float((as_many + more) / 2 - TAIL)

    return float(optimize.brentq(excess, 0.0, 1.0, xtol=1e-9))


def auroc_interval(scored: ScoredSplit) -> Estimate:
    """Estimate the AUROC with its 95 % interval.

    The interval is `mid_p_interval` with as many trials as would have the variance of the AUROC.
    This is that of `delong`, or that of Hanley and McNeil ("The meaning and use of the area under a
    receiver operating characteristic curve", Radiology 143, 1982), if that is larger: few scores
    have too little variance too often, and separated ones have none. There are at least as many
    trials as the smaller class has parts, since no AUROC has a larger variance than that (Birnbaum
    and Klose, "Bounds for the variance of the Mann-Whitney statistic", Annals of Mathematical
    Statistics 28, 1957). Classes that are separated are taken for so many trials, all of them hits.

    Args:
        scored: The scores of images; a class with a single part has the interval [0, 1].
    """
    value, variance = delong(scored)
    fewest = scored.fewest_parts
    if fewest < 2:
        return Estimate(value, 0.0, 1.0)
    variance = max(variance, _hanley_mcneil(value, *scored.parts_by_class))
    trials = max(fewest, value * (1 - value) / variance) if variance > 0 else fewest
    return Estimate(value, *mid_p_interval(value, trials))


def _hanley_mcneil(area: float, normals: int, anomalies: int) -> float:
    """Return the variance of an AUROC of exponentially distributed scores."""
    area = max(area, 1 - area)
    two_anomalies, two_normals = area / (2 - area), 2 * area**2 / (1 + area)
    return (
        area * (1 - area)
        + (anomalies - 1) * (two_anomalies - area**2)
        + (normals - 1) * (two_normals - area**2)
    ) / (normals * anomalies)


def proportion(is_hit: Labels, parts: Parts) -> Estimate:
    """Estimate a proportion of images with its 95 % interval.

    The interval is that of Clopper and Pearson, where each image shows a part of its own.
    Otherwise the number of images is replaced by the effective sample size (Korn and Graubard,
    "Confidence intervals for proportions with small expected number of positive counts estimated
    from survey data", Survey Methodology 24, 1998), or by the number of parts if all images or none
    are hits.

    Args:
        is_hit: bool `(count,)`, at least one image.
        parts: int64 `(count,)`, the number of the part that each image shows.
    """
    value = float(is_hit.mean())
    count = _effective_count(is_hit, parts)
    hits = value * count
    low = stats.beta.ppf(TAIL, hits, count - hits + 1) if hits > 0 else 0.0
    high = stats.beta.ppf(1 - TAIL, hits + 1, count - hits) if hits < count else 1.0
    return Estimate(value, float(low), float(high))


def _effective_count(is_hit: Labels, parts: Parts) -> float:
    count, different = len(is_hit), len(np.unique(parts))
    if different == count:
        return float(count)
    variance = _variance_of_mean(is_hit.astype(np.float64), parts) if different > 1 else 0.0
    if not variance:
        return float(different)
    independent = is_hit.mean() * (1 - is_hit.mean()) / variance
    upper = (1 + CONFIDENCE) / 2
    fewer = (stats.t.ppf(upper, count - 1) / stats.t.ppf(upper, different - 1)) ** 2
    return float(min(count, independent * fewer))


def delong(scored: ScoredSplit) -> tuple[float, float]:
    """Return the AUROC and its variance.

    The variance is computed from the placement values of the images (DeLong, DeLong,
    Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", Biometrics 44, 1988). The placement values are summed over the images of
    each part first (Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics
    53, 1997).

    Args:
        scored: The scores of images.

    Returns:
        The AUROC in [0, 1], and its variance, infinite if a class has images of a single part.
    """
    is_anomaly, parts = scored.is_anomaly, scored.parts
    of_anomalies, of_normals = _placements(is_anomaly, scored.scores)
    value = float(of_anomalies.mean())
    if scored.fewest_parts < 2:
        return value, math.inf
    variance = _variance_of_mean(of_anomalies, parts[is_anomaly])
    variance += _variance_of_mean(of_normals, parts[~is_anomaly])
    variance += 2 * _covariance_within_parts(is_anomaly, of_anomalies, of_normals, parts)
    return value, max(variance, 0.0)


def _placements(is_anomaly: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """Return the placement value of each image, first of the anomalies, then of the normal images.

    That is the fraction of images of the other class that it is ranked correctly against.
    """
    anomalies, normals = scores[is_anomaly], scores[~is_anomaly]
    return _fraction_below(normals, anomalies), 1 - _fraction_below(anomalies, normals)


def _fraction_below(others: Scores, scores: Scores) -> Scores:
    """Return the fraction of the others that is below each score; equal ones count one half."""
    ordered = np.sort(others)
    fewer, more = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    return (fewer + more) / (2 * len(others))


def _covariance_within_parts(
    is_anomaly: Labels, of_anomalies: Scores, of_normals: Scores, parts: Parts
) -> float:
    """Return the covariance of the two means due to parts with images in both classes."""
    deviations = np.zeros((2, len(parts)))
    deviations[0, is_anomaly] = of_anomalies - of_anomalies.mean()
    deviations[1, ~is_anomaly] = of_normals - of_normals.mean()
    anomaly_sums, normal_sums = (np.bincount(parts, values) for values in deviations)
    products = np.sum(anomaly_sums * normal_sums) / (len(of_anomalies) * len(of_normals))
    return float(_unbiased(_count_parts(parts)) * products)


def _variance_of_mean(values: Scores, parts: Parts) -> float:
    """Return the variance of the mean of values that are dependent within each part."""
    sums = np.bincount(parts, values - values.mean())
    return float(_unbiased(_count_parts(parts)) * np.sum(sums**2) / len(values) ** 2)


def _count_parts(parts: Parts) -> int:
    return int(np.count_nonzero(np.bincount(parts)))


def _unbiased(count: int) -> float:
    return count / (count - 1)
