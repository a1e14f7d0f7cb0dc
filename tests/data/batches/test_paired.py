import numpy as np
import pytest

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.paired import PairedBatches


def numbered_images(count: int, size: int = 16) -> np.ndarray:
    """Flat pictures, each with its own number as its grey level."""
    return np.tile(np.arange(count, dtype=np.uint8)[:, None, None, None], (1, size, size, 1))


def numbers(batch) -> list[int]:
    return np.round(np.array(batch)[:, 0, 0, 0] * 255).astype(int).tolist()


def make(normals: int = 20, anomalies: int = 7, seed: int = 0, **train) -> PairedBatches:
    config = TrainConfig(batch_size=train.pop("batch_size", 5), **train)
    return PairedBatches(numbered_images(normals), numbered_images(anomalies), config, seed)


def test_an_epoch_shows_every_normal_image_once() -> None:
    seen = sorted(sum((numbers(normal) for normal, _ in make().dataset(0, 1)), []))
    assert seen == list(range(20))


def test_fewer_anomalies_are_repeated_evenly() -> None:
    seen = sum((numbers(anomaly) for _, anomaly in make().dataset(0, 7)), [])
    assert np.bincount(seen).tolist() == [20] * 7


def test_the_order_differs_from_epoch_to_epoch_and_with_the_seed() -> None:
    def order(batches: PairedBatches, epoch: int) -> list[int]:
        return sum((numbers(normal) for normal, _ in batches.dataset(epoch, epoch + 1)), [])

    assert order(make(), 0) == order(make(), 0)
    assert order(make(), 0) != order(make(), 1)
    assert order(make(), 0) != order(make(seed=1), 0)


def test_a_resumed_epoch_is_that_of_an_undisturbed_run() -> None:
    batches = make(flip=True, shift=3)
    undisturbed = list(batches.dataset(0, 3))[2 * batches.steps :]
    resumed = list(batches.dataset(2, 3))
    for first, second in zip(undisturbed, resumed, strict=True):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])


def test_values_are_pixels_over_255() -> None:
    normal, _ = next(iter(make(batch_size=20).dataset(0, 1)))
    assert normal.dtype == np.float32
    assert np.array_equal(np.unique(normal), np.arange(20, dtype=np.float32) / np.float32(255))


def test_the_region_of_an_anomaly_moves_along_with_it() -> None:
    images = np.zeros((6, 16, 32, 1), np.uint8)
    for number, image in enumerate(images):
        image[: 8 + number, 4:20] = 100 + number
    config = TrainConfig(batch_size=6, flip=True, flip_vertical=True, shift=3, brightness=0.1)
    regions = (images[..., 0] > 0).astype(np.uint8)
    for _, anomaly, region in PairedBatches(images, images, config, 0, 1, regions).dataset(0, 3):
        assert region.dtype == np.float32
        assert np.array_equal(np.array(anomaly)[..., 0] > 0, region)


def test_passes_and_small_sets() -> None:
    assert make(passes=3).steps == 12
    assert make(normals=3, batch_size=16).batch_size == 3


def test_augmentation_mirrors_and_shifts_whole_pixels_with_reflected_borders() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 16, 16, 3), np.uint8)
    config = TrainConfig(batch_size=64, flip=True, flip_vertical=True, shift=2)
    batches = PairedBatches(np.repeat(image, 64, 0), np.repeat(image, 64, 0), config, 0)
    normal, anomaly = next(iter(batches.dataset(0, 1)))
    candidates = {}
    for mirrored in ((), 0, 1, (0, 1)):
        turned = np.flip(image[0], mirrored)
        padded = np.pad(turned, ((2, 2), (2, 2), (0, 0)), mode="symmetric")
        for top in range(5):
            for left in range(5):
                crop = padded[top : top + 16, left : left + 16]
                candidates[crop.tobytes()] = (mirrored, top, left)
    found = set()
    for augmented in np.concatenate([normal, anomaly]):
        pixels = np.round(augmented * 255).astype(np.uint8)
        assert pixels.tobytes() in candidates
        found.add(candidates[pixels.tobytes()])
    assert {mirrored for mirrored, _, _ in found} == {(), 0, 1, (0, 1)}
    assert len(found) > 30


@pytest.mark.parametrize("train", [{"flip": True}, {"flip_vertical": True}, {"shift": 2}])
def test_augmentations_are_independent(train: dict) -> None:
    rng = np.random.default_rng(0)
    images = np.repeat(rng.integers(0, 256, (1, 16, 16, 1), np.uint8), 32, 0)
    batches = PairedBatches(images, images, TrainConfig(batch_size=32, **train), 0)
    normal, _ = next(iter(batches.dataset(0, 1)))
    distinct = {np.array(image).tobytes() for image in normal}
    assert len(distinct) == 2 if "shift" not in train else len(distinct) > 10
