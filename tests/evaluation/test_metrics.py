import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve

from ganad_tf.errors import UserError
from ganad_tf.evaluation.metrics import average_precision, best_f1, order_statistic, recall_at


def test_best_f1_is_the_best_over_all_thresholds() -> None:
    rng = np.random.default_rng(0)
    is_anomaly = rng.random(100) < 0.4
    scores = rng.normal(0, 1, 100) + 1.2 * is_anomaly
    f1 = []
    for threshold in scores:
        rejected = scores >= threshold
        hits = (rejected & is_anomaly).sum()
        f1.append(2 * hits / (rejected.sum() + is_anomaly.sum()))
    assert best_f1(is_anomaly, scores) == pytest.approx(max(f1))


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


@settings(max_examples=100)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.floats(0, 0.99),
)
def test_threshold_keeps_the_false_reject_rate_and_is_as_low_as_that_allows(
    scores: list[float], rate: float
) -> None:
    normal = np.array(scores)
    threshold = order_statistic(normal, rate)
    assert (normal > threshold).mean() <= rate
    lower = normal[normal < threshold]
    if len(lower):
        assert (normal > lower.max()).sum() > np.floor(rate * len(normal))


@pytest.mark.parametrize("rate", [-0.5, 1.0, 3.0, float("nan")])
def test_rates_out_of_range_are_refused(rate: float) -> None:
    with pytest.raises(UserError, match="must be in"):
        order_statistic(np.arange(4.0), rate)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=1, max_size=60))
def test_the_figures_are_those_of_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    is_anomaly, scores = (
        np.array([True] + [row[0] for row in rows]),
        np.array([5.0] + [row[1] for row in rows]),
    )
    expected = average_precision_score(is_anomaly, scores)
    assert average_precision(is_anomaly, scores) == pytest.approx(expected)
    precision, recall, _ = precision_recall_curve(is_anomaly, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    assert best_f1(is_anomaly, scores) == pytest.approx(f1.max())
