import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from ganad_tf.evaluation import intervals
from ganad_tf.evaluation.intervals import (
    Estimate,
    mid_p_interval,
    proportion,
)
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.evaluation.scored_split import ScoredSplit


def a_scorer(count: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores that tell the classes apart in part."""
    rng = np.random.default_rng(seed)
    is_anomaly = rng.random(count) < 0.4
    return is_anomaly, rng.normal(0, 1, count) + 1.2 * is_anomaly


def alone(is_anomaly: np.ndarray) -> np.ndarray:
    """Each picture of a part of its own."""
    return np.arange(len(is_anomaly))


def delong(is_anomaly, scores, parts) -> tuple[float, float]:
    return intervals.delong(ScoredSplit.of_labels(is_anomaly, scores, parts))


def auroc_interval(is_anomaly, scores, parts) -> Estimate:
    return intervals.auroc_interval(ScoredSplit.of_labels(is_anomaly, scores, parts))


def kernel(anomaly: float, normal: float) -> float:
    return 1.0 if anomaly > normal else 0.5 if anomaly == normal else 0.0


def delong_by_definition(is_anomaly, scores) -> tuple[float, float]:
    """The AUROC and its variance, from the double sums of the paper."""
    anomalies, normals = scores[is_anomaly], scores[~is_anomaly]
    table = np.array([[kernel(a, n) for n in normals] for a in anomalies])
    of_anomalies, of_normals = table.mean(axis=1), table.mean(axis=0)
    variance = np.var(of_anomalies, ddof=1) / len(anomalies)
    return table.mean(), variance + np.var(of_normals, ddof=1) / len(normals)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("digits", [8, 0])  # with 0 digits most scores are ties
def test_delong_equals_its_definition(seed: int, digits: int) -> None:
    is_anomaly, scores = a_scorer(120, seed)
    scores = scores.round(digits)
    found = delong(is_anomaly, scores, alone(is_anomaly))
    assert found == pytest.approx(delong_by_definition(is_anomaly, scores))
    assert found[0] == pytest.approx(roc_auc_score(is_anomaly, scores))


def test_delong_agrees_with_a_bootstrap() -> None:
    is_anomaly, scores = a_scorer(500)
    rng = np.random.default_rng(1)
    classes = np.flatnonzero(is_anomaly), np.flatnonzero(~is_anomaly)
    areas = []
    for _ in range(400):
        chosen = np.concatenate([rng.choice(members, len(members)) for members in classes])
        areas.append(auroc(is_anomaly[chosen], scores[chosen]))
    _, variance = delong(is_anomaly, scores, alone(is_anomaly))
    assert np.sqrt(variance) == pytest.approx(np.std(areas), rel=0.2)


@pytest.mark.parametrize("parts", [[0, 1, 2, 2], [3, 3, 1, 2]])
def test_a_single_part_has_no_variance(parts: list[int]) -> None:
    is_anomaly = np.array([False, False, True, True])
    assert delong(is_anomaly, np.arange(4.0), np.array(parts)) == (1.0, np.inf)


@pytest.mark.parametrize("exposures", [1, 3])
def test_the_same_picture_of_each_part_again_says_nothing_new(exposures: int) -> None:
    is_anomaly, scores = a_scorer(80)
    parts = np.random.default_rng(1).permutation(80)
    once = is_anomaly, scores, parts
    again = [np.repeat(values, exposures) for values in once]
    assert delong(*again) == pytest.approx(delong(*once))
    expected, found = (auroc_interval(*values) for values in (once, again))
    assert dataclasses.astuple(found) == pytest.approx(dataclasses.astuple(expected))


def scores_of_parts(seed: int, parts: int = 60, most: int = 8):
    """Scores shared by the images of a part except for noise; some parts are in both classes."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(parts), rng.integers(1, most, parts))
    of_part = np.where(np.arange(parts) % 5 == 0, 0.5, np.arange(parts) % 2)
    is_anomaly = rng.random(len(numbers)) < of_part[numbers]
    scores = rng.normal(0, 1, parts)[numbers] + rng.normal(0, 0.3, len(numbers)) + is_anomaly
    order = rng.permutation(len(numbers))
    return is_anomaly[order], scores[order], numbers[order]


@pytest.mark.parametrize("seed", range(3))
def test_the_variance_of_parts_equals_its_definition(seed: int) -> None:
    """Sum by sum as Obuchowski writes it."""
    is_anomaly, scores, parts = scores_of_parts(seed)
    value, found = delong(is_anomaly, scores, parts)
    anomalies, normals = np.flatnonzero(is_anomaly), np.flatnonzero(~is_anomaly)
    table = np.array([[kernel(scores[a], scores[n]) for n in normals] for a in anomalies])
    tens = dict.fromkeys(np.unique(parts), 0.0)
    ones = dict(tens)
    for row, index in zip(table, anomalies, strict=True):
        tens[parts[index]] += row.mean() - table.mean()
    for column, index in zip(table.T, normals, strict=True):
        ones[parts[index]] += column.mean() - table.mean()
    every, ten, one = len(tens), len(set(parts[anomalies])), len(set(parts[normals]))
    s10 = ten / (ten - 1) * sum(v**2 for v in tens.values()) / len(anomalies) ** 2
    s01 = one / (one - 1) * sum(v**2 for v in ones.values()) / len(normals) ** 2
    s11 = every / (every - 1) * sum(tens[i] * ones[i] for i in tens)
    variance = s10 + s01 + 2 * s11 / (len(anomalies) * len(normals))
    assert (value, found) == pytest.approx((table.mean(), variance))


@pytest.mark.slow
def test_intervals_cover_what_other_parts_show_as_often_as_they_say() -> None:
    """Six pictures of a part that hardly differ."""
    truth, share = 0.8021, 0.3
    hits, proportions = 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        of_part = rng.normal(0, 1, 60) + 1.2 * (np.arange(60) < 25)
        scores = np.repeat(of_part, 6) + rng.normal(0, 0.05, 360)
        parts, is_anomaly = np.repeat(np.arange(60), 6), np.arange(360) < 150
        found = auroc_interval(is_anomaly, scores, parts)
        hits += found.low <= truth <= found.high
        is_hit = np.repeat(rng.random(60) < share, 6)
        fraction = proportion(is_hit, parts)
        proportions += fraction.low <= share <= fraction.high
    assert hits >= 184
    assert proportions >= 188


@pytest.mark.parametrize("count", [2, 5, 20, 100])
def test_separated_classes_are_as_sure_as_there_are_parts(count: int) -> None:
    is_anomaly = np.arange(2 * count) < count
    for scores, ends in (
        (is_anomaly.astype(float), (0.05 ** (1 / count), 1.0)),
        (-is_anomaly.astype(float), (0.0, 1 - 0.05 ** (1 / count))),
    ):
        estimate = auroc_interval(is_anomaly, scores, alone(is_anomaly))
        assert (estimate.low, estimate.high) == pytest.approx(ends)


def test_separated_pictures_of_few_parts_are_as_sure_as_these_parts() -> None:
    is_anomaly = np.repeat([False, True], [60, 18])
    parts = np.concatenate([np.arange(60), 60 + np.arange(18) // 6])
    estimate = auroc_interval(is_anomaly, is_anomaly.astype(float), parts)
    assert (estimate.low, estimate.high) == pytest.approx((0.05 ** (1 / 3), 1.0))


def test_a_part_alone_in_its_class_says_nothing() -> None:
    is_anomaly = np.arange(40) < 1
    assert auroc_interval(is_anomaly, np.arange(40.0), alone(is_anomaly)) == Estimate(0.0, 0.0, 1.0)


@pytest.mark.parametrize("shift", [0.0, 0.8, 2.0])
def test_with_many_parts_the_interval_is_that_of_delong_on_the_logit_scale(shift: float) -> None:
    """An independent computation; Hanley and McNeil's variance is smaller for a wide class."""
    rng = np.random.default_rng(0)
    is_anomaly = np.arange(4000) < 1500
    scores = rng.normal(shift * is_anomaly, np.where(is_anomaly, 2.0, 1.0))
    area, variance = delong_by_definition(is_anomaly, scores)
    assert area == pytest.approx(roc_auc_score(is_anomaly, scores))
    half = 1.959964 * np.sqrt(variance) / (area * (1 - area))
    ends = 1 / (1 + np.exp(-(np.log(area / (1 - area)) + np.array([-half, half]))))
    estimate = auroc_interval(is_anomaly, scores, alone(is_anomaly))
    assert (estimate.low, estimate.high) == pytest.approx(tuple(ends), abs=3e-4)


@given(st.integers(1, 200), st.floats(0, 1))
def test_the_mid_p_interval_is_that_of_its_definition(trials: int, fraction: float) -> None:
    hits = round(trials * fraction)
    low, high = mid_p_interval(hits / trials, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    for end, as_far, farther in (
        (low, stats.binom.sf(hits - 1, trials, low), stats.binom.sf(hits, trials, low)),
        (high, stats.binom.cdf(hits, trials, high), stats.binom.cdf(hits - 1, trials, high)),
    ):
        if 0 < end < 1:
            assert (as_far + farther) / 2 == pytest.approx(0.025, abs=1e-6)
    assert (low == 0) == (hits == 0)
    assert (high == 1) == (hits == trials)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_proportion_is_the_exact_binomial_interval(hits: list[bool]) -> None:
    estimate = proportion(np.array(hits), np.arange(len(hits)))
    exact = binomtest(sum(hits), len(hits)).proportion_ci(0.95)
    assert dataclasses.astuple(estimate) == pytest.approx((np.mean(hits), exact.low, exact.high))


@pytest.mark.parametrize("is_hit", [False, True])
def test_a_proportion_of_all_or_none_is_as_sure_as_there_are_parts(is_hit: bool) -> None:
    estimate = proportion(np.full(60, is_hit), np.repeat(np.arange(10), 6))
    exact = binomtest(10 * is_hit, 10).proportion_ci(0.95)
    assert dataclasses.astuple(estimate) == pytest.approx((float(is_hit), exact.low, exact.high))


def test_a_proportion_of_pictures_that_do_not_depend_on_their_part_is_that_of_pictures() -> None:
    is_hit = np.random.default_rng(0).random(3000) < 0.3
    alike, apart = (proportion(is_hit, parts) for parts in (np.arange(3000) // 3, np.arange(3000)))
    assert alike.high - alike.low == pytest.approx(apart.high - apart.low, rel=0.1)


def test_estimates_print_with_their_interval() -> None:
    assert f"{Estimate(0.5, 0.25, 0.75)}" == "0.5000 [0.2500, 0.7500]"
    assert f"{Estimate(0.5, -0.25, 0.75):+.2f}" == "+0.50 [-0.25, +0.75]"
