import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import energy_distance

from ganad_tf.config import DataConfig
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.sampling import (
    cluster,
    draw_anomalies,
    kind_quotas,
    largest_remainder,
    sample_anomalies,
    thumbnails,
    training_anomalies,
)
from ganad_tf.data.splits import Split

LEVELS = (10, 90, 170, 250)


def images_of_levels(levels: NDArray[np.int64], seed: int = 0) -> NDArray[np.uint8]:
    """Noisy flat pictures: each level of grey is a cluster of its own."""
    noise = np.random.default_rng(seed).integers(-4, 5, (len(levels), 16, 16, 1))
    return (levels[:, None, None, None] + noise).astype(np.uint8)


def mean_levels(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    return images.mean(axis=(1, 2, 3))


def test_clusters_give_in_proportion_to_their_size() -> None:
    levels = np.repeat(LEVELS, [400, 300, 200, 100])
    images = images_of_levels(levels)
    chosen = sample_anomalies(images, np.zeros(1000, np.int64), total=100, clusters=4)
    counts = [int((levels[chosen] == level).sum()) for level in LEVELS]
    assert counts == [40, 30, 20, 10]


def test_every_kind_gives_the_same_number() -> None:
    kinds = np.repeat([3, 5, 8], [500, 200, 90])
    images = np.random.default_rng(0).integers(0, 256, (790, 16, 16, 1), np.uint8)
    chosen = sample_anomalies(images, kinds, total=201)
    assert np.bincount(kinds[chosen]).tolist() == [0, 0, 0, 67, 0, 67, 0, 0, 67]


def test_a_kind_smaller_than_its_quota_gives_all_it_has() -> None:
    kinds = np.repeat([0, 1], [300, 7])
    images = np.random.default_rng(0).integers(0, 256, (307, 16, 16, 1), np.uint8)
    chosen = sample_anomalies(images, kinds, total=100)
    assert np.bincount(kinds[chosen]).tolist() == [50, 7]
    assert set(range(300, 307)) <= set(chosen.tolist())


@pytest.mark.parametrize("total", [0, 1, 4, 10, 100])
def test_any_total_is_met_and_divided_evenly(total: int) -> None:
    kinds = np.repeat(np.arange(9), 20)
    images = np.random.default_rng(0).integers(0, 256, (180, 16, 16, 1), np.uint8)
    counts = np.bincount(kinds[sample_anomalies(images, kinds, total)], minlength=9)
    assert counts.sum() == total
    assert counts.max() - counts.min() <= 1


def test_the_kinds_that_give_one_more_depend_on_the_seed() -> None:
    kinds = np.repeat(np.arange(9), 20)
    assert kind_quotas(kinds, 4, seed=0) == kind_quotas(kinds, 4, seed=0)
    assert kind_quotas(kinds, 4, seed=0) != kind_quotas(kinds, 4, seed=1)


def test_a_random_choice_is_as_many_whatever_their_kind() -> None:
    kinds = np.repeat([0, 1], [300, 7])
    chosen = draw_anomalies(kinds, total=100, seed=1)
    assert np.array_equal(chosen, np.unique(chosen))
    assert len(chosen) == 57
    assert (kinds[chosen] == 1).sum() < 7
    assert np.array_equal(chosen, draw_anomalies(kinds, total=100, seed=1))
    assert not np.array_equal(chosen, draw_anomalies(kinds, total=100, seed=2))


@pytest.mark.parametrize("sampling", ["kmeans", "random"])
def test_as_many_anomalies_as_normal_images_or_as_asked_for(sampling) -> None:
    kinds = np.repeat([0, 1, 2, 3], [40, 50, 50, 50])
    images = np.random.default_rng(0).integers(0, 256, (190, 16, 16, 1), np.uint8)
    blank = np.full(190, "")
    split = Split(LabeledImages(images, kinds, ("a", "b", "c", "d"), blank, blank, kinds), 0)
    known = {image.tobytes() for image in images[kinds != 0]}
    for anomalies, expected in (("balanced", 42), (0, 0), (10, 10), (1000, 150)):
        config = DataConfig(size=16, sampling=sampling, anomalies=anomalies)
        chosen = training_anomalies(split, config, seed=0).images
        assert chosen.shape == (expected, 16, 16, 1)
        assert len({image.tobytes() for image in chosen} & known) == expected


def test_indices_are_sorted_unique_and_the_same_again() -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (400, 16, 16, 3), np.uint8)
    kinds = rng.integers(0, 4, 400)
    first = sample_anomalies(images, kinds, total=90, seed=3)
    assert np.array_equal(first, np.unique(first))
    assert np.array_equal(first, sample_anomalies(images, kinds, total=90, seed=3))
    assert not np.array_equal(first, sample_anomalies(images, kinds, total=90, seed=4))


def test_closer_to_the_whole_than_random_sampling() -> None:
    """By energy distance of the grey levels, on average over 20 draws of 40 from 1,000."""
    levels = np.repeat(LEVELS, [550, 300, 120, 30])
    images = images_of_levels(levels)
    whole = mean_levels(images)
    kinds = np.zeros(1000, np.int64)
    clustered, drawn = [], []
    for seed in range(20):
        chosen = sample_anomalies(images, kinds, total=40, clusters=4, seed=seed)
        clustered.append(energy_distance(whole, mean_levels(images[chosen])))
        at_random = np.random.default_rng(seed).choice(1000, 40, replace=False)
        drawn.append(energy_distance(whole, mean_levels(images[at_random])))
    assert np.mean(clustered) < 0.5 * np.mean(drawn)


def test_cluster_finds_made_clusters() -> None:
    levels = np.repeat(LEVELS, [50, 30, 20, 10])
    labels = cluster(thumbnails(images_of_levels(levels)), 4, seed=0)
    pairs = set(zip(levels.tolist(), labels.tolist(), strict=True))
    assert len(pairs) == 4


def test_thumbnails_average_blocks() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1), np.uint8)
    expected = images[1, 2:4, 6:8, 0].mean() / 255
    assert thumbnails(images)[1].reshape(16, 16)[1, 3] == pytest.approx(expected, rel=1e-5)
    assert thumbnails(images[:, :20, :20]).shape == (2, 400)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.data())
def test_largest_remainder_divides_exactly_and_fairly(sizes: list[int], data) -> None:
    total = data.draw(st.integers(0, sum(sizes)))
    quotas = largest_remainder(np.array(sizes), total)
    assert quotas.sum() == total
    exact = np.array(sizes) * total / sum(sizes)
    assert np.all(np.abs(quotas - exact) < 1)
    assert np.all(quotas <= sizes)
