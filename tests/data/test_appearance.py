"""The bounds of what pictures look like, set on few pictures and on many."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ganad_station.appearance import Appearance
from ganad_station.measurements import measure
from ganad_tf.data.appearance import appearance_of, extrapolate, normal_limit, set_bounds
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.splits import Split, Splits

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
SIDE = 32


@pytest.mark.parametrize("count", [5, 30, 1000])
@pytest.mark.parametrize("rate", [1e-2, 1e-4])
def test_the_bound_is_exact_for_exponential_tails(count: int, rate: float) -> None:
    rate = min(rate, 0.1 / count)
    rng = np.random.default_rng(0)
    logs = -np.array([extrapolate(rng.exponential(size=count), rate) for _ in range(3000)])
    exceeded = np.exp(logs).mean()
    # Rarely, the values of a small set lie close together; the mean is of few such sets.
    assert 0.3 * rate < exceeded < 3 * rate


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, count: rng.normal(size=count),
        lambda rng, count: rng.random(count),
        lambda rng, count: rng.beta(2, 5, count),
        lambda rng, count: rng.gumbel(size=count),
    ],
    ids=["normal", "uniform", "beta", "gumbel"],
)
@pytest.mark.parametrize("count", [30, 300, 3000])
def test_at_most_the_promised_fraction_is_refused(draw: Draw, count: int) -> None:
    rng, rate = np.random.default_rng(0), 1e-3
    new = draw(rng, 200_000)
    refused = [(new > extrapolate(draw(rng, count), rate)).mean() for _ in range(100)]
    assert np.mean(refused) <= 2 * rate


@pytest.mark.parametrize("count", [3, 10, 100])
@pytest.mark.parametrize("rate", [0.1, 1e-2, 1e-3])
def test_the_normal_limit_is_exact_for_normal_values(count: int, rate: float) -> None:
    rng = np.random.default_rng(0)
    limits = np.array([normal_limit(rng.normal(5, 2, count), rate) for _ in range(4000)])
    assert stats.norm.sf(limits, 5, 2).mean() == pytest.approx(rate, rel=0.3)
    assert normal_limit(np.ones(1), rate) == np.inf


def test_dim_and_blurred_frames_are_refused_after_few_parts() -> None:
    found, good = bounds_of(parts(30, 0)), parts(20, 1)
    dim, fog = good // 8, 100 + good // 16
    for frames, words in ((dim, "too dark"), (fog, "too little contrast")):
        problems = [found.problem(row) for row in measure(frames, (SIDE, SIDE))]
        assert all(problem is not None and words in problem for problem in problems), problems


def test_a_small_set_has_wide_bounds() -> None:
    rng = np.random.default_rng(0)
    bounds = [extrapolate(rng.normal(size=count), 1e-6) for count in (5, 30, 300, 3000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] < 8
    assert extrapolate(np.ones(1), 1e-6) == np.inf
    assert extrapolate(np.ones(50), 1e-6) == 1


def parts(count: int, seed: int, level: float = 120) -> NDArray[np.uint8]:
    """Grey discs of varying size, brightness and place on noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images = []
    for _ in range(count):
        row, column = rng.normal(SIDE / 2, 1, 2)
        disc = np.hypot(rows - row, columns - column) < rng.normal(SIDE / 3, 1)
        light = rng.lognormal(0, 0.1)
        images.append(light * (40 + level * disc) + rng.normal(0, 4, disc.shape))
    return np.clip(images, 0, 255).astype(np.uint8)[..., np.newaxis]


def bounds_of(images: NDArray[np.uint8]) -> Appearance:
    return set_bounds(measure(images, (SIDE, SIDE)), np.arange(len(images)))


@pytest.mark.parametrize("count", [30, 100, 1000])
def test_new_good_pictures_are_not_refused(count: int) -> None:
    found = bounds_of(parts(count, 0))
    refused = [found.problem(row) for row in measure(parts(10_000, 1), (SIDE, SIDE))]
    # One in 10,000 is promised; three are seen by chance in one of 50 such tests.
    assert sum(problem is not None for problem in refused) <= 3
    black = measure(np.zeros((1, SIDE, SIDE, 1), np.uint8), (SIDE, SIDE))[0]
    assert found.problem(black) is not None


def test_pictures_of_the_same_part_count_once() -> None:
    images = parts(20, 0)
    copies = np.repeat(measure(images, (SIDE, SIDE)), 50, axis=0)
    groups = np.repeat(np.arange(20), 50)
    found = set_bounds(copies, groups)
    assert (found.pictures, found.parts) == (1000, 20)
    once, many = bounds_of(images).bounds["brightness"], found.bounds["brightness"]
    assert many == once
    narrow = set_bounds(copies, np.arange(1000)).bounds["brightness"]
    assert narrow.low is not None
    assert many.low is None or many.low < narrow.low


def split_of(images: NDArray[np.uint8]) -> Split:
    count = len(images)
    blank = np.full(count, "")
    kinds = np.zeros(count, np.int64)
    measurements = measure(images, (SIDE, SIDE))
    data = LabeledImages(
        images, kinds, ("good", "bad"), blank, blank, np.arange(count), None, measurements
    )
    return Split(data, 0)


def test_bounds_that_validation_pictures_cross_are_set_on_both(
    log: pytest.LogCaptureFixture,
) -> None:
    log.set_level("INFO")
    train, alike, other = split_of(parts(200, 0)), split_of(parts(50, 1)), parts(50, 2, level=30)
    found = appearance_of(Splits(train, alike, train))
    assert found is not None
    assert found.pictures == 200
    assert not log.messages
    found = appearance_of(Splits(train, split_of(other), train))
    assert found is not None
    assert found.pictures == 250
    assert "good validation pictures are unlike the training pictures" in log.text
    assert all(found.problem(row) is None for row in measure(other, (SIDE, SIDE)))
