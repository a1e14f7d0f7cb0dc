import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganad_tf import statistics
from ganad_tf.errors import UserError
from ganad_tf.statistics import (
    Estimate,
    auroc,
    auroc_difference,
    best_f1,
    bootstrap,
    proportion,
    recall_at,
    threshold_at,
)


def two_scorers(count: int = 300, seed: int = 0):
    """Labels, a scorer, and a second one that agrees with it but for noise."""
    rng = np.random.default_rng(seed)
    is_anomaly = rng.random(count) < 0.4
    scores = rng.normal(0, 1, count) + 1.2 * is_anomaly
    return is_anomaly, scores, scores + rng.normal(0, 0.5, count)


def kernel(anomaly: float, normal: float) -> float:
    return 1.0 if anomaly > normal else 0.5 if anomaly == normal else 0.0


def delong_by_definition(is_anomaly, first, second) -> tuple[float, float]:
    """Difference and its variance, from the double sums of the paper."""

    def placements(scores):
        anomalies, normals = scores[is_anomaly], scores[~is_anomaly]
        table = np.array([[kernel(a, n) for n in normals] for a in anomalies])
        return table.mean(axis=1), table.mean(axis=0)

    (a1, n1), (a2, n2) = placements(first), placements(second)
    anomaly_part = np.cov(np.stack([a1, a2])) / len(a1)
    normal_part = np.cov(np.stack([n1, n2])) / len(n1)
    covariance = anomaly_part + normal_part
    contrast = np.array([1.0, -1.0])
    return a1.mean() - a2.mean(), contrast @ covariance @ contrast


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("digits", [8, 0])  # with 0 digits most scores are ties
def test_delong_equals_its_definition(seed: int, digits: int) -> None:
    is_anomaly, first, second = two_scorers(120, seed)
    first, second = first.round(digits), second.round(digits)
    difference, variance = delong_by_definition(is_anomaly, first, second)
    estimate = auroc_difference(is_anomaly, first, second)
    assert estimate.value == pytest.approx(difference)
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.959964 * np.sqrt(variance))


def test_delong_difference_is_that_of_the_aurocs() -> None:
    is_anomaly, first, second = two_scorers()
    expected = auroc(is_anomaly, first) - auroc(is_anomaly, second)
    assert auroc_difference(is_anomaly, first, second).value == pytest.approx(expected)


def test_delong_agrees_with_a_paired_bootstrap() -> None:
    is_anomaly, first, second = two_scorers(500)
    rng = np.random.default_rng(1)
    sides = np.flatnonzero(is_anomaly), np.flatnonzero(~is_anomaly)
    differences = []
    for _ in range(400):
        chosen = np.concatenate([rng.choice(side, len(side)) for side in sides])
        labels = is_anomaly[chosen]
        differences.append(auroc(labels, first[chosen]) - auroc(labels, second[chosen]))
    estimate = auroc_difference(is_anomaly, first, second)
    assert (estimate.high - estimate.low) / 3.92 == pytest.approx(np.std(differences), rel=0.2)


def test_a_scorer_does_not_differ_from_itself() -> None:
    is_anomaly, scores, _ = two_scorers()
    assert auroc_difference(is_anomaly, scores, 3 * scores) == Estimate(0.0, 0.0, 0.0)


def test_a_single_anomaly_is_too_few_to_compare() -> None:
    is_anomaly = np.array([False, False, True])
    with pytest.raises(UserError, match="at least two"):
        auroc_difference(is_anomaly, np.arange(3.0), np.arange(3.0))


@pytest.mark.slow
def test_bootstrap_interval_covers_the_truth_about_as_often_as_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 150)
    truth = 0.8021  # AUROC of two unit normals 1.2 apart: Phi(1.2 / sqrt 2)
    hits = 0
    for seed in range(40):
        is_anomaly, scores, _ = two_scorers(150, seed)
        estimate = bootstrap(auroc, is_anomaly, scores)
        assert estimate.low <= estimate.value <= estimate.high
        hits += estimate.low <= truth <= estimate.high
    assert hits >= 34


def test_bootstrap_is_the_same_again() -> None:
    is_anomaly, scores, _ = two_scorers()
    assert bootstrap(auroc, is_anomaly, scores) == bootstrap(auroc, is_anomaly, scores)


def test_best_f1_is_the_best_over_all_thresholds() -> None:
    is_anomaly, scores, _ = two_scorers(100)
    f1 = []
    for threshold in scores:
        rejected = scores >= threshold
        hits = (rejected & is_anomaly).sum()
        f1.append(2 * hits / (rejected.sum() + is_anomaly.sum()))
    assert best_f1(is_anomaly, scores) == pytest.approx(max(f1))


@settings(max_examples=100)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.floats(0, 0.99),
)
def test_threshold_keeps_the_false_reject_rate_and_is_as_low_as_that_allows(
    scores: list[float], rate: float
) -> None:
    normal = np.array(scores)
    threshold = threshold_at(rate, normal)
    assert (normal > threshold).mean() <= rate
    lower = normal[normal < threshold]
    if len(lower):
        assert (normal > lower.max()).sum() > np.floor(rate * len(normal))


def test_proportion_is_the_exact_binomial_interval() -> None:
    estimate = proportion(0, 30)
    assert estimate.value == 0
    assert estimate.low == 0
    assert estimate.high == pytest.approx(1 - 0.025 ** (1 / 30))


def test_estimates_print_with_their_interval() -> None:
    assert f"{Estimate(0.5, 0.25, 0.75)}" == "0.5000 [0.2500, 0.7500]"
    assert f"{Estimate(0.5, -0.25, 0.75):+.2f}" == "+0.50 [-0.25, +0.75]"


@settings(max_examples=50)
@given(st.lists(st.integers(0, 20), min_size=4, max_size=60), st.floats(0, 0.9))
def test_recall_is_that_of_the_highest_threshold_that_the_rate_allows(
    numbers: list[int], rate: float
) -> None:
    scores = np.array(numbers, float)
    is_anomaly = np.arange(len(scores)) % 2 == 1
    normal, anomalies = scores[~is_anomaly], scores[is_anomaly]
    allowed = [t for t in normal if (normal > t).mean() <= rate]
    assert recall_at(rate)(is_anomaly, scores) == (anomalies > min(allowed)).mean()
