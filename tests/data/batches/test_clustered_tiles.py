from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.clustered_tiles import ClusteredTiles
from ganad_tf.data.batches.tiles import TiledBatches
from ganad_tf.data.labeled import DEFECT_PIXEL

SIZE, TILE, COUNT = 64, 32, 8
DARK, BRIGHT, BLOCK = 60, 200, 32


def pictures() -> NDArray[np.uint8]:
    """Dark pictures, of which the first is bright in its last quarter."""
    images = np.full((COUNT, SIZE, SIZE, 1), DARK, np.uint8)
    images[0, BLOCK:, BLOCK:] = BRIGHT
    return images


def draw(clustered: ClusteredTiles, count: int) -> tuple[NDArray, NDArray]:
    samples = np.random.default_rng(0).random((count, 4)).astype(np.float32)
    images, centers = clustered.draw(tf.constant(samples))
    return images.numpy(), centers.numpy()


def test_tiles_of_a_rare_appearance_are_drawn_as_often_as_the_usual_ones() -> None:
    images, _ = draw(ClusteredTiles.find(pictures(), TILE, 2, seed=0), 4000)
    counts = Counter(images.tolist())
    assert set(counts) == set(range(COUNT))
    # Of the bright cluster all tiles are of the first picture, of the dark one an eighth or less.
    assert 0.5 < counts[0] / 4000 < 0.5 + 0.5 / COUNT + 0.04


@pytest.mark.parametrize(
    ("size", "tile"),
    [((64, 64), 32), ((64, 64), 48), ((80, 80), 32), ((32, 32), 32), ((32, 80), 32)],
)
def test_cells_cover_an_image_without_overlap(size: tuple[int, int], tile: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 1), np.uint8)
    clustered = ClusteredTiles.find(images, tile, 3, seed=0)
    spans = clustered.cells[clustered.images == 1]
    areas = np.prod(spans[:, :, 1] - spans[:, :, 0], axis=1)
    assert areas.sum() == size[0] * size[1]
    _, centers = draw(clustered, 3000)
    assert np.all((centers >= 0) & (centers < size))
    for places, length in zip(centers.T, size, strict=True):
        assert np.all(np.histogram(places, 4, (0, length))[0] > 100)


def test_training_tiles_come_from_the_clusters_and_the_same_again() -> None:
    masks = np.zeros((1, SIZE, SIZE), np.uint8)
    masks[0, 20:24, 20:24] = DEFECT_PIXEL

    def batches(clusters: int) -> list[NDArray]:
        config = TrainConfig(batch_size=8, passes=20)
        tiles = TiledBatches(
            pictures(),
            pictures()[:1],
            config,
            3,
            kinds=np.zeros(1, np.int64),
            tile=TILE,
            clusters=clusters,
            masks=masks,
        )
        return [normal.numpy() for normal, *_ in tiles.dataset(0, 1)]

    plain, clustered, again = batches(0), batches(2), batches(2)
    bright_in_plain, bright = (
        np.mean([np.any(tile > 0.5) for tile in np.concatenate(made)])
        for made in (plain, clustered)
    )
    assert bright > 2 * bright_in_plain
    np.testing.assert_array_equal(clustered, again)
