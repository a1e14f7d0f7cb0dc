import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganad_station.images import (
    UnreadableImageError,
    fit_image,
    is_color,
    prepare_image,
    read_upright,
)
from ganad_station.sizes import ImageSize


def test_an_image_of_the_right_size_keeps_its_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert np.array_equal(fit_image(pixels, 32), pixels)


@pytest.mark.parametrize(("size", "shape"), [(16, (16, 16, 1)), ((8, 16), (8, 16, 1))])
def test_halving_averages(size: ImageSize, shape: tuple[int, ...]) -> None:
    pixels = np.full((32, 32), 100, np.uint8)
    pixels[:, 16:] = 200
    small = fit_image(pixels, size)
    assert small.shape == shape
    assert small[0, 0, 0] == 100
    assert small[0, -1, 0] == 200


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
def test_every_mode_keeps_its_pixels(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "part.png"
    is_grey = mode in ("L", "LA")
    color = (120, 120, 120) if is_grey else (204, 102, 51)
    Image.new("RGB", (16, 16), color).convert(mode).save(path)
    assert is_color(path) != is_grey
    assert prepare_image(path, 16, 3).reshape(-1, 3).tolist() == [list(color)] * 256
    luma = round(0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2])
    assert np.abs(prepare_image(path, 16, 1).astype(int) - luma).max() <= 1


@pytest.mark.parametrize(
    ("suffix", "dtype"), [("png", np.uint16), ("tif", np.uint16), ("tif", np.int32)]
)
def test_16_bits_are_scaled_to_8(tmp_path: Path, suffix: str, dtype: type) -> None:
    path = tmp_path / f"deep.{suffix}"
    levels = np.linspace(0, 65535, 256).astype(dtype).reshape(16, 16)
    Image.fromarray(levels).save(path)
    assert not is_color(path)
    assert prepare_image(path, 16, 1)[:, :, 0].ravel().tolist() == list(range(256))
    assert prepare_image(path, 16, 3)[15, 15].tolist() == [255, 255, 255]


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
        prepare_image(tmp_path / "deep.tif", 16, 1)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="does not exist"):
        prepare_image(tmp_path / "none.png", 16, 1)


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


def random_levels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("illumination", ["as-taken", "contrast"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "stored",
    [
        Image.fromarray(random_levels(30, 41)),
        Image.fromarray(random_levels(30, 41, 3)),
        Image.fromarray(random_levels(30, 41, 4)),
        Image.fromarray(random_levels(30, 41, 2), "LA"),
        Image.fromarray(random_levels(30, 41).astype(np.uint16) * 211),
        Image.fromarray(random_levels(30, 41)).convert("P"),
    ],
    ids=["grey", "RGB", "RGBA", "grey and alpha", "16 bits", "palette"],
)
def test_a_file_an_image_and_an_array_give_the_same_pixels(
    tmp_path: Path, stored: Image.Image, channels: int, illumination: str
) -> None:
    path = tmp_path / "part.png"
    stored.save(path, exif=exif_of(6))
    expected = prepare_image(path, 16, channels, illumination)
    assert expected.shape == (16, 16, channels)
    array = read_upright(path, 1 if not is_color(path) else 3)
    with Image.open(path) as image:
        for picture in (str(path), image, stored.rotate(-90, expand=True), array):
            assert np.array_equal(prepare_image(picture, 16, channels, illumination), expected)
    if array.ndim == 2:
        column = array[:, :, np.newaxis]
        assert np.array_equal(prepare_image(column, 16, channels, illumination), expected)


def test_an_array_keeps_its_pixels_whatever_its_strides() -> None:
    pixels = random_levels(16, 16, 3)
    assert np.array_equal(prepare_image(pixels, 16, 3), pixels)
    assert np.array_equal(prepare_image(pixels[::-1, ::-1], 16, 3), pixels[::-1, ::-1])
    assert np.array_equal(prepare_image(pixels[..., :1], 16, 1), pixels[..., :1])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((16, 16), np.float32),
        np.zeros((16, 16), np.int32),
        np.zeros((16, 16), np.uint32),
        np.zeros((16, 16), bool),
        np.zeros((16, 16, 2), np.uint8),
        np.zeros((16, 16, 4), np.uint8),
        np.zeros((1, 16, 16, 3), np.uint8),
        np.zeros(16, np.uint8),
        np.zeros((0, 16), np.uint8),
    ],
    ids=lambda array: f"{array.shape} {array.dtype}",
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    with pytest.raises(UnreadableImageError) as caught:
        prepare_image(array, 16, 1)
    message = str(caught.value)
    assert message.startswith(
        f"an array {array.shape} of {array.dtype} is not a picture: give uint8"
    )
    assert "\n" not in message


def test_an_image_that_cannot_be_used_is_named_as_one() -> None:
    with pytest.raises(UnreadableImageError, match=r"the image cannot be decoded \(floating-point"):
        prepare_image(Image.new("F", (16, 16)), 16, 1)
    with pytest.raises(UnreadableImageError, match="the image has 8000 x 8001 pixels"):
        prepare_image(Image.new("L", (8000, 8001)), 16, 1)
