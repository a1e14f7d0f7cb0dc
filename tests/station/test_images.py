from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganad_station.images import UnreadableImageError, fit_image, is_color, read_image


def test_an_image_of_the_right_size_keeps_its_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert np.array_equal(fit_image(pixels, 32), pixels)


def test_halving_averages() -> None:
    pixels = np.full((32, 32), 100, np.uint8)
    pixels[:, 16:] = 200
    small = fit_image(pixels, 16)
    assert small.shape == (16, 16, 1)
    assert small[0, 0, 0] == 100
    assert small[0, -1, 0] == 200


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_every_mode_becomes_what_was_asked_for(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "part.png"
    Image.new("RGB", (20, 30), (200, 100, 50)).convert(mode).save(path)
    assert read_image(path, 16, 1).shape == (16, 16, 1)
    assert read_image(path, 16, 3).shape == (16, 16, 3)
    assert is_color(path) == (mode not in ("L", "1"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="does not exist"):
        read_image(tmp_path / "none.png", 16, 1)
