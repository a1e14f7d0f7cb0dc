"""What masks mark, whatever they are saved as, and what is left of it when they are scaled."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from ganad_tf.data.labeled import DEFECT_PIXEL
from ganad_tf.data.masks import fit_mask, read_mask


def marked() -> np.ndarray:
    mask = np.zeros((20, 30), bool)
    mask[3:9, 10:20] = True
    return mask


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
@pytest.mark.parametrize("level", [1, 255])
def test_whatever_is_not_0_marks(tmp_path: Path, mode: str, level: int) -> None:
    grey = Image.fromarray(marked().astype(np.uint8) * level)
    if mode == "I;16":
        image = Image.fromarray(marked().astype(np.uint16) * level)
    elif mode == "1":
        image = Image.fromarray(marked())
    elif mode == "P":
        image = grey.convert("L").quantize()
    else:
        image = grey.convert(mode)
    image.save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(tmp_path / "mask.png"), marked())


def test_compression_does_not_mark(tmp_path: Path) -> None:
    Image.fromarray(marked().astype(np.uint8) * 255).save(tmp_path / "mask.jpg")
    assert np.array_equal(read_mask(tmp_path / "mask.jpg"), marked())


@given(st.integers(0, 10_000), st.sampled_from([(16, 16), (32, 48), (48, 16)]))
def test_no_region_is_lost(seed: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((150, 200), bool)
    for _ in range(rng.integers(1, 6)):
        top, left = rng.integers(0, (140, 190))
        mask[top : top + rng.integers(1, 40), left : left + rng.integers(1, 40)] = True
    fitted = fit_mask(mask, size) == DEFECT_PIXEL
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    rows, columns = np.indices(mask.shape)
    for region in range(1, count + 1):
        inside = labels == region
        cells = fitted[rows[inside] * size[0] // 150, columns[inside] * size[1] // 200]
        assert cells.any()


def test_at_least_half_of_a_scaled_pixel_is_defective() -> None:
    mask = np.zeros((64, 64), bool)
    mask[:32, :16] = True
    expected = np.zeros((16, 16), np.uint8)
    expected[:8, :4] = DEFECT_PIXEL
    assert np.array_equal(fit_mask(mask, 16), expected)
