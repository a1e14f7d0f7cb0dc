"""Pixel AUROC and AUPRO, against their definitions."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from ganad_tf.data.labeled import DEFECT_PIXEL, LabeledImages
from ganad_tf.data.splits import Split
from ganad_tf.evaluation.localization import BINS, Localization, localize

Made = tuple[np.ndarray, np.ndarray, np.ndarray]


def made(seed: int = 0, gain: float = 1.0, side: int = 40) -> Made:
    """Six normal and six defective pictures with one to three defects, maps, and labels."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((12, side, side), np.uint8)
    for index in range(6, 12):
        for _ in range(rng.integers(1, 4)):
            top, left = rng.integers(0, side - 12, 2)
            height, width = rng.integers(2, 12, 2)
            masks[index, top : top + height, left : left + width] = DEFECT_PIXEL
    maps = rng.gamma(2, 0.02, masks.shape) + gain * 0.05 * (masks == DEFECT_PIXEL)
    return maps.astype(np.float32), masks, np.arange(12) >= 6


def measured(
    maps: np.ndarray, masks: np.ndarray, is_anomaly: np.ndarray, parts: np.ndarray
) -> Localization | None:
    blank, images = np.full(len(maps), ""), np.zeros((*maps.shape, 1), np.uint8)
    kinds = is_anomaly.astype(np.int64)
    data = LabeledImages(images, kinds, ("normal", "defect"), blank, blank, parts, masks)
    return localize(maps, Split(data, 0))


def aupro_by_definition(maps: np.ndarray, masks: np.ndarray, limit: float = 0.3) -> float:
    """One threshold after another, region by region."""
    regions = []
    for index, mask in enumerate(masks):
        labels, count = ndimage.label(mask == DEFECT_PIXEL, np.ones((3, 3)))
        regions += [(index, labels == number) for number in range(1, count + 1)]
    normal = maps[masks == 0]
    rates, overlaps = [0.0], [0.0]
    for threshold in np.unique(maps)[::-1]:
        rates.append(float((normal >= threshold).mean()))
        overlaps.append(
            float(np.mean([(maps[index][region] >= threshold).mean() for index, region in regions]))
        )
        if rates[-1] > limit:
            break
    grid = np.linspace(0, limit, 20_001)
    return float(np.trapezoid(np.interp(grid, rates, overlaps), grid) / limit)


@pytest.mark.parametrize("gain", [0.0, 0.5, 2.0])
def test_the_areas_are_those_of_their_definitions(gain: float) -> None:
    maps, masks, is_anomaly = made(gain=gain, side=24)
    maps = np.round(maps, 3)
    found = measured(maps, masks, is_anomaly, np.arange(12))
    assert found is not None
    exact = roc_auc_score(masks.ravel() == DEFECT_PIXEL, maps.ravel())
    assert found.pixel_auroc.value == pytest.approx(exact, abs=1 / BINS)
    assert found.aupro.value == pytest.approx(aupro_by_definition(maps, masks), abs=2e-3)
    assert found.pictures == 6


def test_a_perfect_map_and_a_blind_one() -> None:
    _, masks, is_anomaly = made()
    perfect = measured(masks.astype(np.float32), masks, is_anomaly, np.arange(12))
    assert perfect is not None
    assert perfect.pixel_auroc.value == perfect.pixel_auroc.high == 1
    assert perfect.pixel_auroc.low == pytest.approx(0.05 ** (1 / 6))  # six parts, and no more
    assert perfect.aupro.value == pytest.approx(1)
    blind = measured(np.zeros(masks.shape, np.float32), masks, is_anomaly, np.arange(12))
    assert blind is not None
    assert blind.pixel_auroc.value == 0.5
    # The curve of a map that says nothing is the diagonal: .3 / 2 at the limit of .3.
    assert blind.aupro.value == pytest.approx(0.15)


def test_a_small_region_counts_as_much_as_a_large_one() -> None:
    masks = np.zeros((2, 32, 32), np.uint8)
    masks[1, :16] = DEFECT_PIXEL
    masks[1, 30, 30] = DEFECT_PIXEL
    maps = np.zeros(masks.shape, np.float32)
    maps[1, :16] = 1
    found = measured(maps, masks, np.array([False, True]), np.arange(2))
    assert found is not None
    # The small region is found with the rest of the picture alone: half of .5 and 1, up to .3.
    assert found.aupro.value == pytest.approx(0.5 + 0.5 * 0.15, abs=1e-3)
    assert found.pixel_auroc.value > 0.99


def test_the_intervals_are_those_of_resampled_pictures() -> None:
    maps, masks, is_anomaly = made(gain=0.7)
    found = measured(maps, masks, is_anomaly, np.arange(12))
    assert found is not None
    rng = np.random.default_rng(1)
    areas = []
    for _ in range(200):
        chosen = np.concatenate([rng.choice(6, 6), 6 + rng.choice(6, 6)])
        areas.append(roc_auc_score(masks[chosen].ravel() == DEFECT_PIXEL, maps[chosen].ravel()))
    low, high = np.percentile(areas, [2.5, 97.5])
    # Six parts are few: the interval is longer than the percentiles, by Student's t.
    assert 1 < (found.pixel_auroc.high - found.pixel_auroc.low) / (high - low) < 2
    assert found.pixel_auroc.low < low < found.pixel_auroc.value < high < found.pixel_auroc.high
    assert found.aupro.low < found.aupro.value < found.aupro.high


def test_pictures_of_a_part_are_resampled_together() -> None:
    maps, masks, is_anomaly = made(gain=0.7)
    once = measured(maps, masks, is_anomaly, np.arange(12))
    again = [np.repeat(values, 3, axis=0) for values in (maps, masks, is_anomaly, np.arange(12))]
    often = measured(*again)
    assert once is not None
    assert often is not None
    for name in ("pixel_auroc", "aupro"):
        expected = dataclasses.astuple(getattr(once, name))
        assert dataclasses.astuple(getattr(often, name)) == pytest.approx(expected, abs=1e-3)


def test_without_defects_or_without_anything_else_there_is_nothing_to_measure() -> None:
    maps, masks, is_anomaly = made()
    assert measured(maps, np.zeros_like(masks), is_anomaly, np.arange(12)) is None
    assert measured(maps, np.full_like(masks, DEFECT_PIXEL), is_anomaly, np.arange(12)) is None
