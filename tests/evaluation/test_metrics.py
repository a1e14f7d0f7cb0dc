import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganad_tf.evaluation.metrics import best_f1, recall_at


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
