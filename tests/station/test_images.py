import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganad_station.images import (
    UnreadableImageError,
    fit_image,
    is_color,
    read_image,
    read_upright,
)


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


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
def test_every_mode_keeps_its_pixels(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "part.png"
    is_grey = mode in ("L", "LA")
    color = (120, 120, 120) if is_grey else (204, 102, 51)
    Image.new("RGB", (16, 16), color).convert(mode).save(path)
    assert is_color(path) != is_grey
    assert read_image(path, 16, 3).reshape(-1, 3).tolist() == [list(color)] * 256
    luma = round(0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2])
    assert np.abs(read_image(path, 16, 1).astype(int) - luma).max() <= 1


@pytest.mark.parametrize(
    ("suffix", "dtype"), [("png", np.uint16), ("tif", np.uint16), ("tif", np.int32)]
)
def test_16_bits_are_scaled_to_8(tmp_path: Path, suffix: str, dtype: type) -> None:
    path = tmp_path / f"deep.{suffix}"
    levels = np.linspace(0, 65535, 256).astype(dtype).reshape(16, 16)
    Image.fromarray(levels).save(path)
    assert not is_color(path)
    assert read_image(path, 16, 1)[:, :, 0].ravel().tolist() == list(range(256))
    assert read_image(path, 16, 3)[15, 15].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((16, 16), 0.5, np.float32), "floating-point"),
        (np.full((16, 16), 70000, np.int32), "more than 16 bits"),
    ],
)
def test_pixels_without_a_known_range_are_refused(
    tmp_path: Path, pixels: np.ndarray, message: str
) -> None:
    Image.fromarray(pixels).save(tmp_path / "deep.tif")
    with pytest.raises(UnreadableImageError, match=message):
        read_image(tmp_path / "deep.tif", 16, 1)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="does not exist"):
        read_image(tmp_path / "none.png", 16, 1)


# What the camera wrote, so that its turning gives the picture (EXIF 2.3, tag 0x0112).
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: np.rot90,
    7: lambda a: np.rot90(a[::-1], 1),
    8: lambda a: np.rot90(a, -1),
}


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize(
    ("suffix", "dtype"), [("png", np.uint8), ("tif", np.uint8), ("tif", np.uint16)]
)
def test_a_picture_is_turned_as_its_orientation_says(
    tmp_path: Path, orientation: int, suffix: str, dtype: type
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 31)).astype(np.uint8)
    stored = np.ascontiguousarray(TURNS[orientation](pixels)).astype(dtype)
    if dtype is np.uint16:
        stored *= 257
    path = tmp_path / f"turned.{suffix}"
    Image.fromarray(stored).save(path, exif=exif_of(orientation))
    assert np.array_equal(read_upright(path, 1), pixels)


@pytest.mark.parametrize("name", ["whole.png", "whole.jpg"])
def test_a_picture_with_a_damaged_exif_block_is_a_picture(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    Image.new("L", (30, 20), 7).save(tmp_path / name, exif=exif_of(6))
    content = (tmp_path / name).read_bytes()
    start = next(content.index(order) for order in (b"MM\0*", b"II*\0") if order in content)
    for number in range(150):
        torn = bytearray(content)
        for place in rng.integers(start, start + 26, 3):
            torn[place] = rng.integers(0, 256)
        if name.endswith("png"):
            at = content.index(b"eXIf")
            end = at + 4 + int.from_bytes(content[at - 4 : at], "big")
            torn[end : end + 4] = zlib.crc32(torn[at:end]).to_bytes(4, "big")
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(torn)
        assert abs(int(read_upright(path, 1).mean()) - 7) <= 1
        assert not is_color(path)
