"""Regions are drawn as an independent rule says, and none is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from ganad_tf.data.annotations.brush import decode as decode_brush
from ganad_tf.data.annotations.coco import decode
from ganad_tf.data.regions import (
    Bitmap,
    Polygon,
    Regions,
    bitmap,
    ellipse,
    polygon,
    rectangle,
    render,
)

SHAPE = (30, 40)


def centres() -> np.ndarray:
    """Return x and y of the centre of each pixel, float64 `(pixels, 2)`."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return np.stack([columns.ravel(), rows.ravel()], axis=1)


@given(st.integers(0, 100_000), st.integers(3, 12))
def test_a_polygon_marks_the_pixels_with_their_centre_inside(seed: int, corners: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = rng.uniform(3, 25, corners)
    centre = rng.uniform((0, 0), (40, 30))
    points = centre + radii[:, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inside = Outline(points).contains_points(centres()).reshape(SHAPE)
    marked = render(Regions((Polygon(points),)), SHAPE)
    if inside.any():
        assert np.array_equal(marked, inside)


@given(st.floats(0, 39.9), st.floats(0, 29.9), st.floats(0, 6), st.floats(0, 6))
def test_a_box_in_a_picture_marks_something(
    left: float, top: float, width: float, height: float
) -> None:
    box = rectangle(left, top, left + width, top + height)
    marked = render(Regions((box,)), SHAPE)
    assert marked.any()
    assert marked.sum() <= (np.ceil(width) + 1) * (np.ceil(height) + 1)


def test_a_thin_line_is_marked_from_end_to_end() -> None:
    thin = polygon([2.0, 3.3, 30.0, 3.3, 30.0, 3.4, 2.0, 3.4])
    marked = render(Regions((thin,)), SHAPE)
    assert marked[3, 2:30].all()
    assert marked.sum() <= 29


def test_fractions_are_scaled_to_the_picture() -> None:
    box = rectangle(0.25, 0.5, 0.75, 1.0)
    marked = render(Regions((box,), is_relative=True), SHAPE)
    assert np.argwhere(marked).min(axis=0).tolist() == [15, 10]
    assert marked.sum() == 15 * 20


def test_regions_outside_of_the_picture_are_cut() -> None:
    mask = np.ones((10, 10), bool)
    regions = Regions((rectangle(-1e8, 20, 5, 1e8), bitmap(mask, 35, -5), bitmap(mask, 100, 100)))
    marked = render(regions, SHAPE)
    expected = np.zeros(SHAPE, bool)
    expected[20:, :5] = expected[:5, 35:] = True
    assert np.array_equal(marked, expected)


def test_areas() -> None:
    assert rectangle(1, 2, 5, 4, degrees=30).area == pytest.approx(8)
    assert polygon([0, 0, 4, 0, 4, 4]).area == 8
    assert ellipse(5, 5, 3, 2).area == pytest.approx(6 * np.pi, rel=2e-3)
    assert bitmap(np.eye(4, dtype=bool)).area == 4


@given(st.integers(0, 100_000), st.booleans())
def test_bitmaps_come_back(seed: int, by_column: bool) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 12, 2)) < rng.random()
    runs = bitmap(mask.T if by_column else mask).runs
    assert np.array_equal(Bitmap(0, 0, *mask.shape, runs, by_column).pixels(), mask)


def encode(runs: list[int]) -> str:
    """Compress run lengths as `rleToString` in maskApi.c of COCO does."""
    text = ""
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            digit = value & 31
            value >>= 5
            more = value != (-1 if digit & 16 else 0)
            text += chr(digit + 32 * more + 48)
    return text


@given(st.lists(st.integers(0, 1 << 26), max_size=20))
def test_compressed_run_lengths_come_back(runs: list[int]) -> None:
    assert decode(encode(runs)).tolist() == runs


@given(st.lists(st.integers(0, 255), max_size=40))
def test_brush_strokes_of_nonsense_are_refused(data: list[int]) -> None:
    with pytest.raises(ValueError, match="a brush stroke"):
        decode_brush(np.array(data, np.int64), (4, 4))
