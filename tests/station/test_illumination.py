import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from ganad_station.illumination import (
    AS_TAKEN,
    BRIGHTNESS,
    CONTRAST,
    DEVIATION,
    ILLUMINATIONS,
    MEAN_LEVEL,
    even_out,
    integer_square_root,
)

IMAGES = arrays(np.uint8, st.sampled_from([(16, 16, 1), (8, 4, 3), (1, 2, 1)]))


def in_floating_point(image: NDArray[np.uint8], illumination: str) -> NDArray[np.float64]:
    levels = image.astype(np.float64)
    if illumination == BRIGHTNESS:
        return levels * MEAN_LEVEL / levels.mean()
    return MEAN_LEVEL + (levels - levels.mean()) / levels.std() * DEVIATION


@pytest.mark.parametrize("illumination", [BRIGHTNESS, CONTRAST])
@given(image=IMAGES)
def test_integers_say_what_floating_point_says(image: NDArray[np.uint8], illumination: str) -> None:
    out = even_out(image, illumination)
    assert out.dtype == np.uint8
    assert out.shape == image.shape
    if image.max() == image.min():
        is_black = image.max() == 0
        stays = illumination == CONTRAST or is_black
        assert np.array_equal(out, image if stays else np.full_like(image, MEAN_LEVEL))
        return
    expected = in_floating_point(image, illumination).clip(0, 255)
    # The integer root of a small image with hardly any contrast is a little short.
    assert np.abs(out - expected).max() <= 0.5 + 0.01 * np.abs(expected - MEAN_LEVEL).max()


@given(image=IMAGES)
def test_the_order_of_levels_stays(image: NDArray[np.uint8]) -> None:
    order = np.argsort(image, axis=None, kind="stable")
    for illumination in ILLUMINATIONS:
        assert np.all(np.diff(even_out(image, illumination).ravel()[order].astype(int)) >= 0)


def test_an_exposure_of_the_same_part_becomes_the_same_picture() -> None:
    part = np.random.default_rng(0).normal(100, 15, (64, 64, 1))
    usual, dim, flat = (
        np.round(light).clip(0, 255).astype(np.uint8)
        for light in (part, 0.6 * part, 0.5 * part + 80)
    )
    assert np.array_equal(even_out(usual, AS_TAKEN), usual)
    for other, illumination in ((dim, BRIGHTNESS), (dim, CONTRAST), (flat, CONTRAST)):
        distance = np.abs(
            even_out(usual, illumination).astype(int) - even_out(other, illumination).astype(int)
        )
        assert distance.max() <= 4


@given(st.integers(0, 2**200), st.integers(-1, 1))
def test_the_integer_square_root_is_exact(number: int, shift: int) -> None:
    for square in (number, max(0, number**2 + shift)):
        assert integer_square_root(square) == math.isqrt(square)
