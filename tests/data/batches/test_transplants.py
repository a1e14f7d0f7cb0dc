import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from ganad_tf.data.batches.transplants import LARGEST_FRACTION, SOFTENING, transplant

TILE = 32


def tiles(seed: int, level: float) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0, level, (2, TILE, TILE, 3)).astype(np.float32)


def marks(*sides: int) -> NDArray[np.float32]:
    found = np.zeros((len(sides), TILE, TILE, 1), np.float32)
    for mark, side in zip(found, sides, strict=True):
        mark[10 : 10 + side, 12 : 12 + side] = 1
    return found


@pytest.mark.parametrize("opacity", [0.0, 0.6, 1.0])
def test_a_defect_is_laid_on_as_bright_as_its_new_surroundings(opacity: float) -> None:
    good, defective, marked = tiles(0, 200), tiles(1, 100), marks(7, 3)
    moved, _ = transplant(good, defective, marked, np.full(2, opacity, np.float32))
    for tile, old, new, mark in zip(good, defective, moved.numpy(), marked[..., 0], strict=True):
        inside, outside = mark == 1, mark == 0
        gain = tile[outside].mean(axis=0) / old[outside].mean(axis=0)
        expected = tile + opacity * (np.minimum(gain * old, 255) - tile)
        np.testing.assert_allclose(new[inside], expected[inside], atol=1e-3)
        far = ~ndimage.binary_dilation(inside, np.ones((2 * SOFTENING - 1, 2 * SOFTENING - 1)))
        np.testing.assert_array_equal(new[far], tile[far])
        assert new.min() >= 0
        assert new.max() <= 255


def test_defects_that_are_large_or_not_in_the_tile_are_not_moved() -> None:
    largest = int(np.sqrt(LARGEST_FRACTION) * TILE)
    good, marked = np.zeros((4, TILE, TILE, 1), np.float32), marks(0, 1, largest, largest + 1)
    _, is_sensible = transplant(good, good + 9, marked, np.ones(4, np.float32))
    assert is_sensible.numpy().tolist() == [False, True, True, False]
