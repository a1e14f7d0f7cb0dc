import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.splits import Split
from ganad_tf.evaluation.scored_split import ScoredSplit

LABELS = np.array([False, True, True, True, False])
SCORES = np.arange(5.0)
PARTS = np.array([7, 7, 8, 8, 9])


@given(st.integers(0, 2**32 - 1))
def test_scores_of_parts_are_means_over_the_images_of_a_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    is_anomaly, scores = rng.random(30) < 0.4, rng.random(30)
    parts = rng.integers(0, 9, 30)
    expected = {
        (part, label): np.mean(
            [
                score
                for number, anomaly, score in zip(parts, is_anomaly, scores, strict=True)
                if (number, anomaly) == (part, label)
            ]
        )
        for part, label in zip(parts.tolist(), is_anomaly.tolist(), strict=True)
    }
    by_part = ScoredSplit.of_labels(is_anomaly, scores, parts).average_by_part()
    keys = zip(by_part.parts.tolist(), by_part.is_anomaly.tolist(), strict=True)
    assert dict(zip(keys, by_part.scores, strict=True)) == pytest.approx(expected)
    assert len(by_part) == len(expected)


def test_a_split_gives_labels_parts_and_kinds() -> None:
    kinds = np.array([1, 0, 2, 2, 1])
    blank = np.full(5, "")
    images = np.zeros((5, 1, 1, 1), np.uint8)
    data = LabeledImages(images, kinds, ("dent", "good", "stain"), blank, blank, PARTS)
    scored = ScoredSplit.of(Split(data, 1), SCORES)
    assert scored.is_anomaly.tolist() == LABELS.tolist()
    assert scored.anomaly_kinds == ["dent", "stain"]
    stains = scored.with_anomalies_of({"stain"})
    assert stains.scores.tolist() == [0, 2, 3, 4]
    assert stains.anomaly_kinds == ["stain"]
    assert stains.parts.tolist() == [7, 8, 8, 9]


def test_the_fewest_parts_are_those_of_the_smaller_class() -> None:
    scored = ScoredSplit.of_labels(LABELS, SCORES, PARTS)
    assert scored.fewest_parts == 2
    assert scored.take(np.array([1, 2, 3, 4])).fewest_parts == 1
    assert scored.with_scores(-SCORES).scores[4] == -4
