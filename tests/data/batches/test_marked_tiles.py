import dataclasses
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.marked_tiles import MARGIN, DefectPixels
from ganad_tf.data.batches.tiles import TiledBatches
from ganad_tf.data.labeled import DEFECT_PIXEL

SIZE, TILE = 64, 16


def pictures(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Noise with some grain."""
    noise = np.random.default_rng(seed).uniform(0, 255, (count, SIZE, SIZE))
    return ndimage.gaussian_filter(noise, (0, 2, 2)).astype(np.uint8)[..., np.newaxis]


def marked(places: list[tuple[int, int]]) -> NDArray[np.uint8]:
    """Masks of a defect of 2x2 pixels each."""
    masks = np.zeros((len(places), SIZE, SIZE), np.uint8)
    for mask, (row, column) in zip(masks, places, strict=True):
        mask[row : row + 2, column : column + 2] = DEFECT_PIXEL
    return masks


def make(places: list[tuple[int, int]], replicas: int = 1, **train) -> TiledBatches:
    config = TrainConfig(batch_size=train.pop("batch_size", 4), **train)
    anomalies = pictures(len(places), seed=1)
    masks, kinds = marked(places), np.arange(len(places)) % 2
    return TiledBatches(
        pictures(8), anomalies, config, 3, replicas, masks=masks, kinds=kinds, tile=TILE
    )


def is_cut_from(tile: NDArray, images: NDArray) -> bool:
    """Whether the pixels of a tile stand somewhere in one of some images."""
    windows = np.lib.stride_tricks.sliding_window_view(images[..., 0], (TILE, TILE), axis=(1, 2))
    distance = np.abs(windows / 255 - tile[..., 0])
    return bool(distance.max(axis=(3, 4)).min() < 1e-6)


def image_of(tile: NDArray, images: NDArray) -> int:
    """Return the number of the image that a tile is cut from."""
    (number,) = [n for n in range(len(images)) if is_cut_from(tile, images[n : n + 1])]
    return number


PLACES = [(0, 0), (62, 62), (30, 5), (10, 50)]


def test_tiles_are_cut_from_the_images_and_hold_the_marked_defect() -> None:
    batches = make(PLACES)
    assert batches.steps == 2
    for normal, anomaly, defect in batches.dataset(0, 2):
        assert normal.shape == anomaly.shape == (4, TILE, TILE, 1)
        assert defect.shape == (4, TILE, TILE)
        assert set(np.unique(defect)) == {0, 1}
        assert np.all(np.sum(defect, axis=(1, 2)) >= 4)
        assert all(is_cut_from(tile, batches.normals) for tile in normal.numpy())
        assert all(is_cut_from(tile, batches.anomalies) for tile in anomaly.numpy())


def test_the_mark_moves_along_with_the_defect() -> None:
    batches = make(PLACES, flip=True, flip_vertical=True, rotation=180.0, zoom=0.3)
    masks = batches.masks
    white = TiledBatches(
        batches.normals,
        (masks * 255)[..., np.newaxis],
        batches.config,
        3,
        masks=masks,
        kinds=batches.kinds,
        tile=TILE,
    )
    for _, anomaly, defect in white.dataset(0, 4):
        is_bright = anomaly.numpy()[..., 0] > 0.5
        assert is_bright.any()
        assert np.all(defect.numpy()[is_bright] == 1)
        widest = 2 * (2 + 2 * MARGIN) ** 2
        assert np.all(np.sum(defect, axis=(1, 2)) <= widest)


@pytest.mark.parametrize(("setting", "axis"), [("flip", 1), ("flip_vertical", 0)])
def test_mirrored_tiles_are_mirror_images(setting: str, axis: int) -> None:
    plain, flipped = (
        list(make(PLACES, batch_size=8, **{setting: flip}).dataset(0, 2)) for flip in (False, True)
    )
    mirrored = 0
    for (normal, *_), (changed, *_) in zip(plain, flipped, strict=True):
        for tile, other in zip(normal.numpy(), changed.numpy(), strict=True):
            is_same, is_mirrored = (
                np.abs(candidate - other).max() < 1e-5 for candidate in (tile, np.flip(tile, axis))
            )
            assert is_same or is_mirrored
            mirrored += is_mirrored
    assert 0 < mirrored < 16


def test_each_kind_is_drawn_as_often_whatever_its_images_and_pixels() -> None:
    is_defect = np.zeros((5, 8, 8), bool)
    is_defect[0, :6, :6] = True
    is_defect[1:, 2, 3] = True
    defects = DefectPixels.find(is_defect, np.array([4, 7, 7, 7, 7]))
    samples = tf.random.stateless_uniform((4000, 3), (1, 2))
    images, pixels = (drawn.numpy() for drawn in defects.draw(samples))
    counts = Counter(images.tolist())
    assert counts[0] == pytest.approx(2000, abs=150)
    assert [counts[image] for image in range(1, 5)] == pytest.approx([500] * 4, abs=100)
    assert all(
        is_defect[image, row, column] for image, (row, column) in zip(images, pixels, strict=True)
    )
    assert len(np.unique(pixels[images == 0], axis=0)) == 36


@pytest.mark.parametrize("candidates", [1, 2])
def test_resumed_epochs_and_replicas_see_the_same_tiles(candidates: int) -> None:
    augmented = {"flip": True, "rotation": 10.0, "zoom": 0.1, "brightness": 0.2, "contrast": 0.2}
    augmented["normal_candidates"] = candidates
    batches = make(PLACES, **augmented)
    undisturbed = list(batches.dataset(0, 3))[2 * batches.steps :]
    for first, second in zip(undisturbed, batches.dataset(2, 3), strict=True):
        for mine, expected in zip(first, second, strict=True):
            np.testing.assert_array_equal(mine, expected)
    halves = list(make(PLACES, replicas=2, batch_size=2, **augmented).dataset(0, 1))
    for step, whole in enumerate(batches.dataset(0, 1)):
        for index, together in enumerate(whole):
            joined = np.concatenate([halves[2 * step][index], halves[2 * step + 1][index]])
            np.testing.assert_array_equal(joined, together)


def test_normal_candidates_are_tiles_of_different_images() -> None:
    plain, several = make(PLACES), make(PLACES, normal_candidates=3)
    assert several.steps == plain.steps == 2
    seen = Counter()
    for normal, anomaly, defect in several.dataset(0, 2):
        assert normal.shape == (4, 3, TILE, TILE, 1)
        assert anomaly.shape == (4, TILE, TILE, 1)
        assert defect.shape == (4, TILE, TILE)
        for candidates in normal.numpy():
            origins = [image_of(tile, several.normals) for tile in candidates]
            assert len(set(origins)) > 1
            seen.update(origins)
    # Four steps of twelve tiles are six passes over the eight images.
    assert seen == dict.fromkeys(range(8), 6)


def test_brightness_and_contrast_stay_in_bounds_and_keep_the_mean() -> None:
    (plain, *_), (lit, *_) = (
        next(iter(make(PLACES, batch_size=8, contrast=contrast).dataset(0, 1)))
        for contrast in (0.0, 0.4)
    )
    spread = np.std(lit, axis=(1, 2, 3)) / np.std(plain, axis=(1, 2, 3))
    assert np.all((spread > np.exp(-0.41)) & (spread < np.exp(0.41)))
    assert spread.max() - spread.min() > 0.1
    np.testing.assert_allclose(
        np.mean(lit, axis=(1, 2, 3)), np.mean(plain, axis=(1, 2, 3)), atol=0.02
    )
    bright = np.stack([n for n, *_ in make(PLACES, batch_size=8, brightness=2.0).dataset(0, 5)])
    assert bright.min() >= 0
    assert bright.max() == 1


def with_transplants(fraction: float) -> list[tuple[NDArray, ...]]:
    """Eight batches of larger tiles, in which the defect is small."""
    batches = make([(30, 30)] * 4, batch_size=8, transplant=fraction)
    larger = dataclasses.replace(batches, tile=2 * TILE)
    return [tuple(images.numpy() for images in batch) for batch in larger.dataset(0, 8)]


def test_small_defects_are_laid_onto_the_normal_tiles_of_the_batch() -> None:
    plain, some, all_of_them = (with_transplants(fraction) for fraction in (0.0, 0.5, 1.0))
    moved = {}
    for name, batches in (("some", some), ("all", all_of_them)):
        places = []
        for (_, own, _), (normal, anomaly, defect) in zip(plain, batches, strict=True):
            is_moved = np.any(own != anomaly, axis=(1, 2, 3))
            backgrounds = np.where(is_moved[:, None, None, None], normal, own)
            for background, tile, place in zip(backgrounds, anomaly, defect, strict=True):
                assert place.any()
                far = ~ndimage.binary_dilation(place, np.ones((9, 9)))
                np.testing.assert_allclose(tile[far], background[far], atol=1e-6)
            places.append(is_moved)
        moved[name] = np.concatenate(places)
    assert moved["all"].mean() > 0.8
    assert 0.3 < moved["some"].mean() < 0.7
    assert not np.any(moved["some"] & ~moved["all"])
