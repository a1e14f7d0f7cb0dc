"""What pictures look like: measurements, statistics, bounds, and words for what is outside."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganad_station.appearance import (
    STATISTICS,
    UNLIKE,
    Appearance,
    Bounds,
    read_appearance,
    statistics,
)
from ganad_station.errors import StationError
from ganad_station.measurements import CELLS, GRID, MEASURES, measure, measure_picture

LAYOUT = np.ones(GRID**2)


def values_of(image: np.ndarray, color: float = 0.0) -> dict[str, float]:
    """The statistics of an image `(size, size, channels)`, by name."""
    found = statistics(measure(image[np.newaxis], image.shape[:2], color), LAYOUT)[0]
    return {statistic.name: value for statistic, value in zip(STATISTICS, found, strict=True)}


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 3]),
    st.sampled_from([(16, 16), (32, 48), (48, 16)]),
)
def test_measurements_are_those_of_numpy(seed: int, channels: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    image = np.clip(rng.normal(rng.integers(0, 256), 60, (*size, channels)), 0, 255)
    image = image.astype(np.uint8)
    grey = image.mean(axis=2)
    found = values_of(image)
    assert found["brightness"] == pytest.approx(grey.mean(), abs=1e-3)
    assert found["contrast"] == pytest.approx(grey.std(), abs=1e-3)
    assert found["detail across"] == pytest.approx(
        np.abs(np.diff(grey, 2, axis=1)).mean(), rel=1e-4
    )
    assert found["detail down"] == pytest.approx(np.abs(np.diff(grey, 2, axis=0)).mean(), rel=1e-4)
    assert found["black"] == pytest.approx((image == 0).mean(axis=(0, 1)).max(), abs=1e-6)
    assert found["white"] == pytest.approx((image == 255).mean(axis=(0, 1)).max(), abs=1e-6)
    height, width = size
    assert found["brightness left"] == pytest.approx(grey[:, : width // 2].mean(), abs=1e-3)
    assert found["brightness bottom"] == pytest.approx(grey[height // 2 :].mean(), abs=1e-3)
    cell = grey[height // CELLS : 2 * height // CELLS, 3 * width // CELLS :]
    assert found["brightness row 2, column 4"] == pytest.approx(cell.mean(), abs=1e-3)
    assert found["contrast row 2, column 4"] == pytest.approx(cell.std(), abs=1e-2)
    if channels == 3:
        red, green, blue = np.moveaxis(image.astype(int), 2, 0)
        assert found["color"] == pytest.approx(np.ptp(image.astype(int), axis=2).mean(), abs=1e-3)
        assert found["red"] == pytest.approx((red - green).mean(), abs=1e-3)
        assert found["blue"] == pytest.approx((blue - green).mean(), abs=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_measured_together_as_one_by_one(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, channels), np.uint8)
    alone = [measure(image[np.newaxis], (40, 30))[0] for image in images]
    assert np.array_equal(measure(images, (40, 30)), alone)
    assert measure(images, (40, 30))[0, : MEASURES.index("color")].tolist() == [40, 30]


def test_the_color_of_a_picture_is_seen_though_its_model_is_grey() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (50, 60), np.uint8)
    fitted = np.zeros((16, 16, 1), np.uint8)
    as_grey, as_color = (
        measure_picture(Image.fromarray(pixels), fitted)
        for pixels in (grey, np.repeat(grey[..., np.newaxis], 3, axis=2))
    )
    assert np.array_equal(as_grey, as_color)
    blue = Image.new("RGB", (60, 50), (20, 20, 220))
    column = MEASURES.index("color")
    assert measure_picture(blue, fitted)[column] == 200
    assert measure_picture(blue.convert("P"), fitted)[column] == pytest.approx(200, abs=40)


@given(st.floats(0.4, 1.0), st.integers(0, 40))
def test_the_layout_does_not_change_with_the_light(gain: float, offset: int) -> None:
    image = np.random.default_rng(0).integers(0, 200, (16, 16, 1), np.uint8)
    layout = np.random.default_rng(1).random(GRID**2)
    darker = (gain * image + offset).astype(np.uint8)
    before, after = (
        statistics(measure(pixels[np.newaxis], (16, 16)), layout)[0] for pixels in (image, darker)
    )
    place = [statistic.name for statistic in STATISTICS].index("layout")
    assert after[place] == pytest.approx(before[place], abs=0.02)


def appearance(**bounds: tuple[float | None, float | None]) -> Appearance:
    named = {name.replace("_", " "): Bounds(*ends) for name, ends in bounds.items()}
    return Appearance(10, 10, tuple(LAYOUT), named)


def grey_level(level: int) -> np.ndarray:
    return measure(np.full((1, 16, 16, 1), level, np.uint8), (16, 16))[0]


def test_what_is_outside_is_said_in_words_with_the_value_and_the_bound() -> None:
    bounded = appearance(brightness=(61, 200), black=(None, 0.25))
    assert bounded.problem(grey_level(3)) == f"{UNLIKE} (too dark: 3, at least 61)"
    assert bounded.problem(grey_level(250)) == f"{UNLIKE} (too bright: 250, at most 200)"
    assert bounded.problem(grey_level(61)) is None
    black = appearance(black=(None, 0.25)).problem(grey_level(0))
    assert black == f"{UNLIKE} (too many black pixels: 100 %, at most 25 %)"


def test_nan_is_outside() -> None:
    measurements = np.full_like(grey_level(3), np.nan)
    assert appearance(brightness=(61, 200)).problem(measurements) is not None
    assert appearance(black=(None, 0.25)).problem(measurements) is not None


def test_bounds_that_a_defect_can_cross_do_not_count_for_a_rejected_part() -> None:
    stained = np.full((1, 16, 16, 1), 128, np.uint8)
    stained[:, :4, :4] = 20
    measurements = measure(stained, (16, 16))[0]
    narrow = {"brightness_row_1,_column_1": (100, 150), "contrast": (0, 10)}
    assert "row 1, column 1" in str(
        appearance(**{"brightness_row_1,_column_1": (100, 150)}).problem(measurements)
    )
    assert "too much contrast" in str(appearance(**narrow).problem(measurements))
    assert appearance(**narrow).problem(measurements, is_rejected=True) is None
    dark = appearance(brightness=(125, None)).problem(measurements, is_rejected=True)
    assert "too dark" in str(dark)


def test_an_appearance_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "appearance.json"
    assert read_appearance(path, "train again") is None
    written = appearance(brightness=(61, None), black=(None, 0.25))
    path.write_text(json.dumps(written.to_dict()))
    assert read_appearance(path, "train again") == written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": [1, 2]}, "layout must be a list of 64 numbers"),
        ({"layout": ["x"] * 64}, "must be a number"),
        ({"bounds": {"brightness": {"low": "61", "high": None}}}, "bounds.brightness.low must be"),
        ({"bounds": {"brightness": {"low": 61}}}, "lacks 'bounds.brightness.high'"),
        ({"pictures": 0}, "pictures must be an integer from 1"),
    ],
)
def test_a_damaged_appearance_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "appearance.json"
    path.write_text(json.dumps({**appearance(brightness=(61, 200)).to_dict(), **change}))
    with pytest.raises(StationError, match=message):
        read_appearance(path, "train again")
