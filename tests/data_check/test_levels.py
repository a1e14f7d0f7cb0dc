"""The check of pictures tells how many levels they have, and which are lost."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from ganad_tf.config import make_config
from ganad_tf.data.listing import Picture
from ganad_tf.data.sources import load_splits
from ganad_tf.data_check.picture import measure
from tests.data_check.test_data_check import check
from tests.support.deep_files import write_png, write_tiff


def texture(rng: np.random.Generator) -> np.ndarray:
    smooth = gaussian_filter(rng.normal(size=(60, 70)), 2)
    return np.clip(120 + 30 * smooth / smooth.std(), 0, 255)


def write_parts(root: Path, count: int = 8, factor: float = 16, step: int = 1) -> None:
    rng = np.random.default_rng(0)
    for kind in ("normal", "dent"):
        (root / kind).mkdir(parents=True)
        for number in range(count):
            levels = (texture(rng) * factor / step).astype(np.uint16) * np.uint16(step)
            write_png(root / kind / f"{number}.png", levels)


def test_deep_pictures_get_their_white_level(tmp_path: Path) -> None:
    write_parts(tmp_path / "parts")
    result, found = check(tmp_path / "parts", tmp_path / "out")
    assert result.exit_code == 0, result.output
    depth = found["depth"]
    assert (depth["eight_bits"], depth["more_bits"], depth["white_level"]) == (0, 16, 4095)
    assert 3000 < depth["largest"] <= 4080
    assert "16 of more (white level 4095, 12 bits, largest level " in result.output
    assert 100 < found["kinds"]["normal"]["brightness"] < 140
    assert found["few_levels"] == {}
    config = make_config(tomllib.loads((tmp_path / "out" / "config.toml").read_text()))
    assert config.data.levels == 4095
    images = load_splits(config.data, 0).train.data.images
    assert len(np.unique(images)) > 150


def test_mixed_depths_and_pages_are_warned_of(tmp_path: Path) -> None:
    write_parts(tmp_path / "parts")
    pages = [Image.new("L", (30, 20), level) for level in (90, 200)]
    path = tmp_path / "parts" / "normal" / "pages.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    result, found = check(tmp_path / "parts", tmp_path / "out")
    assert any(text.startswith("of 17 pictures, 1 with 8 bits") for text in found["warnings"])
    assert any(text.startswith("of files with several pages, only") for text in found["warnings"])
    assert "(normal/pages.tif)" in result.output


def test_saturated_pictures_are_warned_of(tmp_path: Path) -> None:
    write_parts(tmp_path / "parts")
    deep = np.full((40, 50), 9, np.uint16)
    deep[:10], deep[10:30] = 4095, 0
    for number in range(16):
        write_tiff(tmp_path / "parts" / "normal" / f"bright {number}.tif", deep)
    result, found = check(tmp_path / "parts", tmp_path / "out")
    assert found["white"] == pytest.approx(0.125, abs=0.01)
    assert found["black"] == pytest.approx(0.25, abs=0.01)
    assert any(" of the pixels are at the white level" in text for text in found["warnings"])
    assert "at 0, at the white level" in result.output


@pytest.mark.parametrize(("bits", "step"), [(4, 17), (5, 8), (6, 4)])
def test_pictures_made_from_fewer_bits_are_warned_of(tmp_path: Path, bits: int, step: int) -> None:
    rng = np.random.default_rng(0)
    for kind in ("normal", "dent"):
        (tmp_path / "parts" / kind).mkdir(parents=True)
        for number in range(8):
            pixels = (texture(rng) / step).astype(np.uint8) * np.uint8(step)
            Image.fromarray(pixels).save(tmp_path / "parts" / kind / f"{number}.png")
    _, found = check(tmp_path / "parts", tmp_path / "out")
    assert sum(found["few_levels"].values()) == 16
    assert max(map(int, found["few_levels"])) <= 2**bits
    assert any("16 of 16 pictures have gaps between their levels" in w for w in found["warnings"])


@pytest.mark.parametrize("name", ["part.png", "part.jpg"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_with_all_levels_and_drawings_are_not(
    tmp_path: Path, name: str, channels: int
) -> None:
    rng = np.random.default_rng(0)
    drawing = np.zeros((60, 70))
    drawing[20:40, 20:40] = 200
    stretched = np.clip((texture(rng) - 60) * 1.3, 0, 255)
    noisy = drawing + rng.normal(20, 2, drawing.shape)
    for pixels in (drawing, stretched, noisy, texture(rng)[:3, :2]):
        image = np.dstack([pixels] * channels).squeeze().astype(np.uint8)
        Image.fromarray(image).save(tmp_path / name)
        facts = measure(Picture(tmp_path / name, name, "normal"), False)
        assert facts.few_levels is None
