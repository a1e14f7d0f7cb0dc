from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.candidate_tiles import CANDIDATES
from ganad_tf.data.batches.tiles import TiledBatches

SIZE, TILE, LEVELS = 64, 16, 10


def pictures(count: int, first: int) -> NDArray[np.uint8]:
    """Pictures whose levels tell them and the place of each pixel apart."""
    rows, columns = np.indices((SIZE, SIZE))
    levels = first + LEVELS * np.arange(count)[:, np.newaxis, np.newaxis] + (rows + columns) // 16
    return levels[..., np.newaxis].astype(np.uint8)


def make(anomalies: int = 5, replicas: int = 1, **train) -> TiledBatches:
    config = TrainConfig(batch_size=train.pop("batch_size", 8), **train)
    kinds = np.minimum(np.arange(anomalies), 1)
    images = pictures(anomalies, 100)
    return TiledBatches(pictures(8, 0), images, config, 3, replicas, kinds=kinds, tile=TILE)


def test_candidates_are_of_one_anomaly_from_different_places() -> None:
    numbers, places = Counter(), []
    for normal, anomaly in make(passes=30).dataset(0, 1):
        assert normal.shape == (8, TILE, TILE, 1)
        assert anomaly.shape == (8, CANDIDATES, TILE, TILE, 1)
        levels = np.round(anomaly.numpy()[..., 0] * 255).astype(int) - 100
        for candidates in levels // LEVELS:
            (number,) = np.unique(candidates)
            numbers[number] += 1
        places.append((levels % LEVELS).mean(axis=(2, 3)))
    # One picture of the first kind, four of the second: each kind as often.
    assert numbers[0] == pytest.approx(120, abs=25)
    assert [numbers[number] for number in range(1, 5)] == pytest.approx([30] * 4, abs=18)
    assert np.ptp(np.concatenate(places), axis=1).mean() > 2


def test_resumed_epochs_and_replicas_see_the_same_candidates() -> None:
    augmented = {"flip": True, "rotation": 10.0, "zoom": 0.1, "brightness": 0.2}
    whole = list(make(**augmented).dataset(0, 2))
    for first, second in zip(whole[1:], make(**augmented).dataset(1, 2), strict=True):
        for mine, expected in zip(first, second, strict=True):
            np.testing.assert_array_equal(mine, expected)
    halves = list(make(replicas=2, batch_size=4, **augmented).dataset(0, 1))
    for index, together in enumerate(whole[0]):
        joined = np.concatenate([halves[0][index], halves[1][index]])
        np.testing.assert_allclose(joined, together, atol=1e-6)
