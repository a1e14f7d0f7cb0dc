"""Pictures with more than 8 bits per channel keep their levels."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from ganad_station.depth import (
    describe_white_level,
    find_white_level,
    is_deep,
    read_levels,
    to_8_bits,
)
from ganad_station.images import UnreadableImageError, open_header, prepare_image
from tests.support.deep_files import random_levels, write_png, write_tiff

ALL_LEVELS = np.arange(65536, dtype=np.uint16)
WHITE_LEVELS = st.one_of(
    st.sampled_from([1, 255, 1023, 4080, 4095, 16383, 65520, 65535]), st.integers(1, 65535)
)


def linear(levels: np.ndarray, white_level: int) -> np.ndarray:
    """Scale in floating point, which is exact enough to round: ties are exact."""
    return np.floor(np.minimum(levels.astype(np.float64), white_level) * 255 / white_level + 0.5)


@given(WHITE_LEVELS)
def test_levels_are_scaled_linearly_and_rounded(white_level: int) -> None:
    mapped = to_8_bits(ALL_LEVELS, white_level)
    assert mapped.dtype == np.uint8
    assert np.array_equal(mapped, linear(ALL_LEVELS, white_level))


def test_65535_is_what_was_done_before_there_was_a_white_level() -> None:
    before = (ALL_LEVELS.astype(np.int64) + 128) // 257
    assert np.array_equal(to_8_bits(ALL_LEVELS, 65535), before)


@given(
    arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    WHITE_LEVELS,
    st.sampled_from([np.uint16, np.dtype("<u2"), np.dtype(">u2")]),
)
def test_arrays_of_any_byte_order_are_prepared_alike(
    levels: np.ndarray, white_level: int, dtype: np.dtype
) -> None:
    side = np.zeros((16, 16), dtype)
    side[: levels.shape[0], : levels.shape[1]] = levels
    expected = linear(side, white_level)
    for picture in (side, side[:, :, np.newaxis], np.dstack([side] * 3)):
        found = prepare_image(picture, 16, 1, white_level=white_level)
        assert np.array_equal(found[:, :, 0], expected)


@pytest.mark.parametrize(
    ("bits", "shift", "expected", "words"),
    [
        (8, 0, 255, "8 bits"),
        (10, 0, 1023, "10 bits"),
        (12, 0, 4095, "12 bits"),
        (14, 0, 16383, "14 bits"),
        (16, 0, 65535, "16 bits"),
        (12, 4, 65520, "12 bits in the upper bits of 16"),
        (10, 6, 65472, "10 bits in the upper bits of 16"),
        (8, 4, 4080, "8 bits in the upper bits of 12"),
        (8, 8, 65280, "8 bits in the upper bits of 16"),
    ],
)
def test_the_white_level_is_found(bits: int, shift: int, expected: int, words: str) -> None:
    levels = np.arange(2**bits, dtype=np.int64) << shift
    found = find_white_level(int(levels.max()), int(np.bitwise_or.reduce(levels)))
    assert found == expected
    assert describe_white_level(found) == f"white level {expected}, {words}"
    assert len(np.unique(to_8_bits(levels.astype(np.uint16), found))) == 256


@given(arrays(np.uint16, st.integers(1, 20)))
def test_the_white_level_holds_all_levels(levels: np.ndarray) -> None:
    found = find_white_level(int(levels.max()), int(np.bitwise_or.reduce(levels)))
    assert levels.max() <= found
    assert found.bit_length() - (found & -found).bit_length() + 1 >= 8


def test_a_white_level_of_another_kind_is_described_as_it_is() -> None:
    assert describe_white_level(3000) == "white level 3000"
    assert find_white_level(0, 0) == 255


def write_deep(path: Path, levels: np.ndarray, kind: str) -> None:
    if kind == "PNG":
        write_png(path, levels)
    elif kind == "int32 TIFF":
        Image.fromarray(levels.astype(np.int32)).save(path, format="TIFF")
    else:
        compress = kind.endswith("compressed")
        write_tiff(path, levels, "<" if "little" in kind else ">", compress)


FORMS = [
    *((kind, channels) for kind in ("PNG",) for channels in (1, 2, 3, 4)),
    ("int32 TIFF", 1),
    *((f"{order} TIFF", channels) for order in ("little", "big") for channels in (1, 3, 4)),
    *(
        (f"{order} TIFF, compressed", channels)
        for order in ("little", "big")
        for channels in (1, 3, 4)
    ),
]


@pytest.mark.parametrize(("kind", "channels"), FORMS)
def test_all_levels_of_a_file_are_read(tmp_path: Path, kind: str, channels: int) -> None:
    levels = random_levels(20, 31, channels)
    path = tmp_path / "deep"
    write_deep(path, levels if channels > 1 else levels[:, :, 0], kind)
    seen = levels[:, :, :3] if channels > 2 else levels[:, :, 0]
    for opened in (open_header(path), Image.open(path)):
        with opened as image:
            assert is_deep(image)
            found = read_levels(image)
        assert found is not None
        assert found.dtype == np.uint16
        assert np.array_equal(found, seen)
    for white_level in (4095, 65535):
        expected = prepare_image(seen, 16, 3, white_level=white_level)
        with Image.open(path) as image:
            for picture in (path, image):
                found = prepare_image(picture, 16, 3, white_level=white_level)
                assert np.array_equal(found, expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("compress", [False, True])
def test_deep_pictures_are_turned_upright(tmp_path: Path, channels: int, compress: bool) -> None:
    levels = random_levels(16, 16, channels, most=4095)
    path = tmp_path / "turned.tif"
    write_tiff(path, levels, compress=compress, orientation=6)
    upright = np.rot90(levels, -1).squeeze()
    found = prepare_image(path, 16, channels, white_level=4095)
    assert np.array_equal(found.squeeze(), linear(upright, 4095))


def test_without_a_white_level_pictures_are_read_as_before(tmp_path: Path) -> None:
    levels = random_levels(16, 16, 3)
    write_png(tmp_path / "color.png", levels)
    write_png(tmp_path / "grey.png", levels[:, :, 0])
    for picture in (tmp_path / "color.png", levels):
        assert np.array_equal(prepare_image(picture, 16, 3), levels >> 8)
    for picture in (tmp_path / "grey.png", levels[:, :, 0]):
        expected = (levels[:, :, 0].astype(np.int64) + 128) // 257
        assert np.array_equal(prepare_image(picture, 16, 1)[:, :, 0], expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "CMYK", "1"])
def test_pictures_with_8_bits_keep_their_levels(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "part.tif"
    pixels = np.random.default_rng(0).integers(0, 256, (20, 31, 3)).astype(np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    for channels in (1, 3):
        with_white_level = prepare_image(path, 16, channels, white_level=4095)
        assert np.array_equal(with_white_level, prepare_image(path, 16, channels))


def test_levels_that_have_no_place_are_refused(tmp_path: Path) -> None:
    for level in (-1, 70000):
        Image.fromarray(np.full((16, 16), level, np.int32)).save(tmp_path / "deep.tif")
        with pytest.raises(UnreadableImageError, match="more than 16 bits per pixel"):
            prepare_image(tmp_path / "deep.tif", 16, 1, white_level=4095)


@pytest.mark.parametrize("compress", [False, True])
def test_colors_in_separate_planes_are_refused(tmp_path: Path, compress: bool) -> None:
    """Pillow takes the bytes of the one without compression for levels, without an error."""
    path = tmp_path / "planes.tif"
    levels = random_levels(20, 31, 3)
    write_tiff(path, levels, compress=compress, is_planar=True)
    with pytest.raises(UnreadableImageError, match="in separate planes cannot be read"):
        prepare_image(path, 16, 3, white_level=4095)
    if compress:
        assert np.array_equal(prepare_image(path, (20, 31), 3), levels >> 8)
        return
    with pytest.raises(UnreadableImageError, match="in separate planes cannot be read"):
        prepare_image(path, 16, 3)


def test_levels_are_read_from_damaged_files_or_these_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "torn"
    for channels, write in ((1, write_png), (3, write_png), (1, write_tiff), (3, write_tiff)):
        write(path, random_levels(20, 31, channels))
        content = path.read_bytes()
        for _ in range(60):
            torn = bytearray(content)
            for place in rng.integers(0, len(torn), 3):
                torn[place] = rng.integers(0, 256)
            for place in rng.integers(max(0, len(torn) - 160), len(torn), 2):
                torn[place] = rng.integers(0, 256)
            path.write_bytes(torn[: rng.integers(len(torn) // 2, 2 * len(torn))])
            with contextlib.suppress(UnreadableImageError):
                assert prepare_image(path, 16, 1, white_level=4095).shape == (16, 16, 1)
