from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ganad_station.fitting import Box
from ganad_tf.config import DataConfig
from ganad_tf.data.labeled import DEFECT_PIXEL, UNKNOWN_PIXEL
from ganad_tf.data.sources import load_splits
from ganad_tf.data.synthetic import SYNTHETIC_KINDS, synthesize
from ganad_tf.errors import UserError
from tests.support.parts import draw_part, save_part


def plates(count: int, size: tuple[int, int] = (64, 64), channels: int = 1) -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    height, width = size
    grey = np.stack([draw_part("normal", max(size), rng) for _ in range(count)])[:, :height, :width]
    return np.repeat(grey[..., np.newaxis], channels, axis=3)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**31), st.sampled_from([1, 3]), st.sampled_from([(32, 32), (96, 96), (32, 64)])
)
def test_pictures_change_where_the_mask_is_and_nowhere_far_from_it(
    seed: int, channels: int, size: tuple[int, int]
) -> None:
    normals = plates(4, size, channels)
    made = synthesize(normals, 6, seed)
    assert made.images.shape == (6, *size, channels)
    assert made.images.dtype == made.masks.dtype == np.uint8
    assert made.kinds.tolist() == [0, 1, 2, 0, 1, 2]
    assert set(np.unique(made.masks)) == {0, DEFECT_PIXEL}
    for image, mask in zip(made.images, made.masks, strict=True):
        changes = np.abs(normals.astype(int) - image).max(axis=3)
        original = changes[np.argmin((changes > 0).sum(axis=(1, 2)))]
        is_marked = mask == DEFECT_PIXEL
        assert is_marked.any()
        assert original[is_marked].mean() > 3
        assert (original > 0).mean() < 0.3
        assert original[~is_marked].mean() < 0.2 * original[is_marked].mean()


def test_defects_are_drawn_inside_the_pictures() -> None:
    normals = plates(4, (32, 64))
    boxes = np.array([[0, 16, 32, 32], [0, 24, 32, 16], [8, 0, 16, 64], [0, 0, 32, 64]])
    made = synthesize(normals, 24, 0, boxes)
    for image, mask, source in zip(made.images, made.masks, made.sources, strict=True):
        inside = np.zeros((32, 64), bool)
        Box(*boxes[source].tolist()).cut(inside)[...] = True
        assert mask[inside].any()
        assert not mask[~inside].any()
        assert np.array_equal(image[~inside], normals[source][~inside])


def test_the_seed_decides() -> None:
    normals = plates(3)
    first, second = synthesize(normals, 6, 1), synthesize(normals, 6, 1)
    assert np.array_equal(first.images, second.images)
    assert not np.array_equal(first.images, synthesize(normals, 6, 2).images)


def test_more_anomalies_than_normal_images_use_each_as_often() -> None:
    flat = np.arange(3, dtype=np.uint8)[:, None, None, None] * 100 + 20
    made = synthesize(np.broadcast_to(flat, (3, 32, 32, 1)), 6, 0)
    medians = np.median(made.images, axis=(1, 2, 3)).astype(int).tolist()
    assert sorted(medians) == [20, 20, 120, 120, 220, 220]


@pytest.mark.parametrize("source", ["labelled", "synthetic", "both"])
def test_which_splits_get_synthetic_anomalies(part_folder: Path, source: str) -> None:
    config = DataConfig("folder", str(part_folder), size=32, anomaly_source=source)
    labelled = load_splits(DataConfig("folder", str(part_folder), size=32), 0)
    splits = load_splits(config, 0)
    for name, split in splits.items():
        plain = getattr(labelled, name)
        assert np.array_equal(split.normals, plain.normals)
        is_synthetic = np.isin(split.data.kinds, np.arange(3, 6))
        has_labelled = bool((split.is_anomaly & ~is_synthetic).any())
        expected = {
            "labelled": (False, True),
            "synthetic": (name != "test", name == "test"),
            "both": (name == "train", True),
        }[source]
        assert (bool(is_synthetic.any()), has_labelled) == expected
        if is_synthetic.any():
            assert is_synthetic.sum() == len(split.normals)
            assert set(split.data.kind_names[3:]) == set(SYNTHETIC_KINDS)
            assert np.all(split.data.masks[is_synthetic].max(axis=(1, 2)) == DEFECT_PIXEL)
            assert np.all(split.data.masks[~split.is_anomaly] == 0)
            real = split.is_anomaly & ~is_synthetic
            assert np.all(split.data.masks[real] == UNKNOWN_PIXEL)
            groups = split.data.groups
            assert len(np.unique(groups)) == len(groups)


def write_normal_parts(root: Path, count: int) -> DataConfig:
    (root / "normal").mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        save_part(root / "normal" / f"{number}.png", "normal", 48, rng)
    return DataConfig("folder", str(root), size=32, anomaly_source="synthetic")


def test_a_folder_of_normal_parts_alone_is_enough(tmp_path: Path) -> None:
    splits = load_splits(write_normal_parts(tmp_path, 20), 0)
    for split in (splits.train, splits.validation, splits.test):
        names = np.array(split.data.kind_names)[split.data.kinds[split.is_anomaly]]
        assert len(names) == len(split.normals)
        assert set(names.tolist()) <= set(SYNTHETIC_KINDS)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_normal_parts_for_all_splits_are_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(UserError, match="the validation split has no normal images to draw"):
        load_splits(write_normal_parts(tmp_path, count), 0)


def test_three_normal_parts_are_enough_for_all_splits(tmp_path: Path) -> None:
    splits = load_splits(write_normal_parts(tmp_path, 3), 0)
    assert [len(split.data) for _, split in splits.items()] == [2, 2, 2]


def test_each_split_gets_a_stream_of_its_own(tmp_path: Path) -> None:
    seed = 7
    splits = load_splits(write_normal_parts(tmp_path, 20), seed)
    for offset, (_, split) in enumerate(splits.items()):
        made = synthesize(split.normals, len(split.normals), seed + offset)
        assert np.array_equal(split.data.images[split.is_anomaly], made.images)
