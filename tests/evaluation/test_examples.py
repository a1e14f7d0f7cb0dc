import numpy as np

from ganad_tf.evaluation.examples import choose_examples
from ganad_tf.evaluation.scored_split import ScoredSplit


def test_a_part_is_shown_once_however_many_images_it_has() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.1, 0.2, 0.6, 0.5])
    is_anomaly = np.array([True, True, True, True, False, False, False])
    parts = np.array([1, 1, 2, 1, 3, 4, 4])
    examples = choose_examples(ScoredSplit.of_labels(is_anomaly, scores, parts))
    rows = {title: indices.tolist() for title, indices in examples}
    assert rows == {
        "normal, best": [4, 6],
        "normal, worst": [5, 4],
        "anomaly, best": [0, 2],
        "anomaly, worst": [3, 2],
    }
