"""Pictures of the same part are grouped, others are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.fft import dct
from scipy.ndimage import gaussian_filter

from ganad_tf.data.near_duplicates import (
    BLOCK,
    FREQUENCIES,
    THUMBNAIL,
    fingerprints,
    group_near_duplicates,
    join,
)

SQUARE = (100, 100)


def textures(count: int, seed: int = 0) -> np.ndarray:
    """Parts that have nothing in common: smooth noise, uint8."""
    noise = np.random.default_rng(seed).normal(size=(count, THUMBNAIL, THUMBNAIL))
    smooth = gaussian_filter(noise, (0, 3, 3))
    return np.clip(128 + smooth * 30 / smooth.std(), 0, 255).astype(np.uint8)


def groups_of(thumbnails: np.ndarray, shapes: np.ndarray | None = None) -> list[int]:
    shapes = np.full((len(thumbnails), 2), 100) if shapes is None else shapes
    return group_near_duplicates(fingerprints(thumbnails), shapes).tolist()


def test_the_hash_is_the_sign_of_the_low_frequencies() -> None:
    (part,) = textures(1).astype(np.float64)
    transform = dct(dct(part, axis=0, norm="ortho"), axis=1, norm="ortho")
    low = transform[:FREQUENCIES, :FREQUENCIES].ravel()[1:]
    assert np.array_equal(fingerprints(part[np.newaxis])[0], low > np.median(low))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 1.2), st.integers(-30, 30), st.integers(0, 99))
def test_other_exposures_of_a_part_are_grouped_and_other_parts_are_not(
    contrast: float, brightness: int, seed: int
) -> None:
    parts = textures(8, seed)
    exposed = np.clip(128 + (parts - 128.0) * contrast + brightness, 0, 255).astype(np.uint8)
    groups = groups_of(np.concatenate([parts, exposed]))
    assert groups[:8] == groups[8:]
    assert len(set(groups)) == 8


def test_a_part_that_is_scaled_and_saved_as_jpeg_is_found_again() -> None:
    (part,) = textures(1)
    small = Image.fromarray(part).resize((48, 48)).resize((THUMBNAIL, THUMBNAIL))
    others = textures(5, seed=1)
    groups = groups_of(np.concatenate([[part, np.asarray(small)], others]))
    assert groups[0] == groups[1]
    assert len(set(groups)) == 6


def test_pictures_of_other_proportions_are_not_of_the_same_part() -> None:
    (part,) = textures(1)
    shapes = np.array([SQUARE, (100, 110), (100, 130), (140, 100)])
    first, second, wide, high = groups_of(np.repeat(part[np.newaxis], 4, 0), shapes)
    assert first == second
    assert len({first, wide, high}) == 3


@pytest.mark.parametrize("count", [BLOCK - 1, BLOCK + 1])
def test_pictures_of_different_blocks_are_compared(count: int) -> None:
    parts = textures(count)
    parts[-1] = parts[0]
    groups = groups_of(parts)
    assert groups[-1] == groups[0]
    assert len(set(groups)) == count - 1


def test_alike_and_listed_parts_are_joined_by_chains() -> None:
    shown = np.array([0, 0, 1, 2, 3, 4])
    listed = np.array([9, 7, 7, 5, 4, 4])
    joined = join(shown, listed).tolist()
    assert joined[0] == joined[1] == joined[2]
    assert joined[4] == joined[5]
    assert len(set(joined)) == 3
