"""Whether mirrored pictures of good parts look like pictures of good parts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits

from ganad_station.images import fit_image
from ganad_tf.config import make_config
from ganad_tf.data.sources import load_splits
from ganad_tf.data.symmetry import fraction_worse_mirrored, may_be_mirrored, settle_flips

SIDE = 64


def noise(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(128, 30, (SIDE, SIDE))


def lit_from_the_left(rng: np.random.Generator) -> np.ndarray:
    return gaussian_filter(noise(rng), 2) + np.linspace(-40, 40, SIDE)


def label(rng: np.random.Generator) -> np.ndarray:
    """A print of the shape of an L, not always in the same place, on noise."""
    picture = rng.normal(128, 20, (SIDE, SIDE))
    row, column = 20 + rng.integers(-2, 3), 15 + rng.integers(-2, 3)
    picture[row : row + 20, column : column + 4] += 60
    picture[row + 16 : row + 20, column : column + 14] += 60
    return picture


def ring(rng: np.random.Generator) -> np.ndarray:
    """A ring that is the same from both sides."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius = np.hypot(rows, columns)
    return noise(rng) + 60 * ((radius > 15) & (radius < 22))


def pictures(draw: Callable[[np.random.Generator], np.ndarray], count: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([np.clip(draw(rng), 0, 255) for _ in range(count)]).astype(np.uint8)


@pytest.mark.parametrize(
    ("draw", "alike"),
    [(noise, True), (lit_from_the_left, True), (ring, True), (label, False)],
)
def test_what_looks_alike(draw: Callable, alike: bool) -> None:
    fraction = fraction_worse_mirrored(pictures(draw), np.arange(40))
    assert may_be_mirrored(fraction) is alike


@pytest.mark.parametrize(("digit", "alike"), [(0, True), (8, True), (3, False), (5, False)])
def test_handwriting(digit: int, alike: bool) -> None:
    digits = load_digits()
    images = digits.images[digits.target == digit].astype(np.uint8) * 15
    thumbnails = np.stack([fit_image(image, SIDE)[:, :, 0] for image in images])
    fraction = fraction_worse_mirrored(thumbnails, np.arange(len(images)))
    assert may_be_mirrored(fraction) is alike


def test_exposures_of_the_same_part_do_not_count() -> None:
    """They resemble each other, and not their mirror images, whatever the parts look like."""
    again = np.repeat(pictures(noise, 20), 3, axis=0)
    groups = np.repeat(np.arange(20), 3)
    assert may_be_mirrored(fraction_worse_mirrored(again, groups))
    assert not may_be_mirrored(fraction_worse_mirrored(again, np.arange(60)))


def test_few_parts_tell_nothing() -> None:
    assert fraction_worse_mirrored(pictures(noise, 7), np.arange(7)) is None
    assert fraction_worse_mirrored(pictures(noise, 40), np.arange(40) // 6) is None
    assert not may_be_mirrored(None)


@pytest.mark.parametrize(("draw", "flips", "views"), [(ring, True, 2), (label, False, 1)])
def test_a_run_mirrors_what_looks_alike(
    tmp_path: Path, log: pytest.LogCaptureFixture, draw: Callable, flips: bool, views: int
) -> None:
    for kind, shown in (("normal", draw), ("scratch", noise)):
        (tmp_path / kind).mkdir()
        for number, picture in enumerate(pictures(shown)):
            Image.fromarray(picture).save(tmp_path / kind / f"{number}.png")
    data = {"dataset": "folder", "data_dir": str(tmp_path), "size": 64, "tile": 32}
    config = make_config({"data": data})
    assert (config.train.flip, config.score.views) == ("measured", 2)
    split = load_splits(config.data, config.seed).train
    settled = settle_flips(config, split)
    assert (settled.train.flip, settled.score.views) == (flips, views)
    assert "of the good pictures resemble the others less when they are mirrored" in log.text
    given = make_config({"data": data, "train": {"flip": True}})
    assert settle_flips(given, split) is given
