"""The statistics of a verification, against independent computations and simulations."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from ganad_station.verification import Outcome
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.exporting.comparison import Comparison, compare
from ganad_tf.exporting.verdict import auroc_drop, rate_rise

LIMIT = 0.005


def compare_scores(
    normals: np.ndarray, anomalies: np.ndarray, moves: np.ndarray, threshold: float
) -> Comparison:
    reference = np.concatenate([normals, anomalies])
    is_anomaly = np.arange(len(reference)) >= len(normals)
    scored = ScoredSplit.of_labels(is_anomaly, reference + moves, np.arange(len(reference)))
    return compare(
        scored, reference, threshold=threshold, float_threshold=threshold, max_drop=LIMIT
    )


def test_figures_equal_an_independent_computation() -> None:
    rng = np.random.default_rng(0)
    is_anomaly = rng.random(200) < 0.5
    reference = rng.random(200) + 0.5 * is_anomaly
    scores = reference + rng.normal(0, 0.1, 200)
    result = compare(
        ScoredSplit.of_labels(is_anomaly, scores, np.arange(len(is_anomaly))),
        reference,
        threshold=0.9,
        float_threshold=0.8,
        max_drop=0.5,
    )
    before, after = reference > 0.8, scores > 0.9
    expected = roc_auc_score(is_anomaly, scores)
    assert result.exported_auroc == pytest.approx(expected)
    assert result.difference.value == pytest.approx(expected - roc_auc_score(is_anomaly, reference))
    assert result.rank_correlation == pytest.approx(spearmanr(scores, reference)[0])
    assert result.flipped_to_reject == np.sum(after & ~before)
    assert result.flipped_to_accept == np.sum(~after & before)
    rejects, misses = result.false_rejects, result.misses
    assert rejects.float_errors == np.sum(before & ~is_anomaly)
    assert rejects.exported_errors == np.sum(after & ~is_anomaly)
    assert misses.float_errors == np.sum(~before & is_anomaly)
    assert misses.exported_errors == np.sum(~after & is_anomaly)
    assert misses.images == is_anomaly.sum()
    assert rejects.rise.value == pytest.approx(
        (rejects.exported_errors - rejects.float_errors) / rejects.images
    )


def test_small_moves_far_from_the_threshold_are_verified_on_few_pictures() -> None:
    rng = np.random.default_rng(0)
    normals, anomalies = rng.normal(0.1, 0.01, 53), rng.normal(0.3, 0.02, 486)
    result = compare_scores(normals, anomalies, rng.normal(0, 0.0005, 539), 0.14)
    assert result.outcome is Outcome.VERIFIED
    # The counts alone: nothing flips in 53, with 97.5 % confidence less than 6.7 %.
    assert result.false_rejects.rise.high < 0.01


def test_moves_as_large_as_the_classes_differ_are_not_verified() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        normals, anomalies = rng.normal(0.1, 0.01, 53), rng.normal(0.12, 0.01, 53)
        result = compare_scores(normals, anomalies, rng.normal(0, 0.01, 106), 0.12)
        assert result.outcome is not Outcome.VERIFIED


def test_five_more_false_rejects_of_90_fail() -> None:
    normals, anomalies = np.linspace(0.05, 0.0999, 90), np.linspace(0.2, 0.3, 90)
    moves = np.where(np.arange(180) == 89, 0.0, 1e-6)
    normals[-2:] = 0.101
    moves[83:88] = 0.06
    result = compare_scores(normals, anomalies, moves, 0.1)
    assert (result.false_rejects.float_errors, result.false_rejects.exported_errors) == (2, 7)
    assert result.outcome is Outcome.FAILED
    assert result.reason == "false rejects rise by 5.6 points, more than 2.0 points"


def test_two_pictures_of_a_class_leave_a_file_undecided_and_say_how_many_would_do() -> None:
    normals, anomalies = np.linspace(0.09, 0.1, 50), np.array([0.3, 0.31])
    result = compare_scores(normals, anomalies, np.full(52, 1e-6), 0.2)
    assert result.outcome is Outcome.UNDECIDED
    assert "about 9 parts a class at these rates would do, here are 2" in result.reason


def test_a_lower_error_rate_is_no_fault() -> None:
    normals, anomalies = np.linspace(0.05, 0.15, 200), np.linspace(0.2, 0.3, 200)
    moves = np.where(np.arange(400) < 200, -0.03, 0.0)
    result = compare_scores(normals, anomalies, moves, 0.14)
    assert result.false_rejects.rise.value < -0.05
    assert result.outcome is Outcome.VERIFIED


def test_pictures_of_one_part_count_once() -> None:
    margins = np.linspace(-0.1, -0.01, 60)
    moved = margins + 1e-5
    alone = rate_rise(moved, margins, np.arange(60), is_anomaly=False)
    of_parts = rate_rise(moved, margins, np.arange(60) // 10, is_anomaly=False)
    assert (alone.parts, of_parts.parts) == (60, 6)
    assert of_parts.bound() > 5 * alone.bound()


@pytest.mark.parametrize("count", [5, 20, 100])
@pytest.mark.parametrize("spread", [0.002, 0.02, 0.2])
def test_bounds_hold_for_new_parts(count: int, spread: float) -> None:
    """In 95 % of samples or more, the bound is above the rise among all parts."""
    threshold, draws = 1.8, 400
    # A score flips if it is below the threshold, and its move carries it over.
    grid = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    accepted = grid[grid <= threshold]
    to_worse = stats.norm.sf((threshold - accepted) / spread).sum() / len(grid)
    to_better = stats.norm.cdf((threshold - grid[grid > threshold]) / spread).sum() / len(grid)
    rng = np.random.default_rng(0)
    holds = 0
    for _ in range(draws):
        margins = rng.normal(0, 1, count) - threshold
        moved = margins + rng.normal(0, spread, count)
        rise = rate_rise(moved, margins, np.arange(count), is_anomaly=False)
        holds += rise.bound() >= to_worse - to_better
    assert holds / draws >= 0.95


@pytest.mark.parametrize("count", [5, 20, 100])
@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0])
def test_bounds_of_the_auroc_hold_for_new_parts(count: int, spread: float) -> None:
    distance, draws = 2.0, 400
    drop = stats.norm.cdf(distance / np.sqrt(2)) - stats.norm.cdf(
        distance / np.sqrt(2 + 2 * spread**2)
    )
    rng = np.random.default_rng(0)
    is_anomaly = np.arange(2 * count) >= count
    holds = 0
    for _ in range(draws):
        reference = rng.normal(0, 1, 2 * count) + distance * is_anomaly
        scores = reference + rng.normal(0, spread, 2 * count)
        found = auroc_drop(scores, reference, np.arange(2 * count), is_anomaly, LIMIT)
        holds += found.bound() >= drop
    assert holds / draws >= 0.95
