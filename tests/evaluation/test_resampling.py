import itertools
from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from ganad_tf.evaluation.intervals import mid_p_interval
from ganad_tf.evaluation.metrics import auroc, average_precision, best_f1
from ganad_tf.evaluation.resampling import bootstrap, interval_of_resamples, resampled
from ganad_tf.evaluation.scored_split import ScoredSplit


def make_scored(parts: int = 60, pictures: int = 3, shift: float = 1.2) -> ScoredSplit:
    """Parts with several pictures each, every third of them defective."""
    rng = np.random.default_rng(0)
    is_anomaly = np.repeat(np.arange(parts) % 3 == 0, pictures)
    scores = np.repeat(rng.normal(0, 1, parts), pictures) + shift * is_anomaly
    scores += rng.normal(0, 0.2, len(scores))
    return ScoredSplit.of_labels(is_anomaly, scores, np.repeat(np.arange(parts), pictures))


def test_resamples_have_whole_parts() -> None:
    scored = make_scored()
    is_anomaly, parts = scored.is_anomaly, scored.parts
    for chosen in itertools.islice(resampled(is_anomaly, parts), 20):
        counts = Counter(chosen.tolist())
        for label in (is_anomaly, ~is_anomaly):
            of_part = [
                {counts[i] for i in np.flatnonzero(label & (parts == p))} for p in set(parts)
            ]
            assert all(len(times) <= 1 for times in of_part)
            drawn = [times.pop() for times in of_part if times]
            assert sum(drawn) == len(drawn)


def test_the_interval_has_the_variance_of_the_resamples() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.1, 1000).tolist()
    estimate = interval_of_resamples(0.8, values, 50)
    expected = mid_p_interval(0.8, 0.8 * 0.2 / np.var(values))
    assert (estimate.low, estimate.high) == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_no_interval_is_shorter_than_the_parts_allow(value: float) -> None:
    estimate = interval_of_resamples(value, [value] * 100, 7)
    assert (estimate.low, estimate.high) == mid_p_interval(value, 7)


@pytest.mark.parametrize("metric", [average_precision, best_f1, auroc])
def test_separated_classes_are_as_sure_as_there_are_parts(metric) -> None:
    scored = make_scored(parts=15, shift=100.0)
    estimate = bootstrap(metric, scored)
    assert estimate.value == pytest.approx(1)
    assert estimate.low == pytest.approx(0.05 ** (1 / 5))


def test_the_same_seed_gives_the_same_interval() -> None:
    scored = make_scored()
    estimate = bootstrap(average_precision, scored)
    assert estimate == bootstrap(average_precision, scored)
    expected = average_precision_score(scored.is_anomaly, scored.scores)
    assert estimate.value == pytest.approx(expected)
    assert estimate.low < estimate.value < estimate.high
