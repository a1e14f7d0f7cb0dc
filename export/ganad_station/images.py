"""Preparing pictures for a model, the same way for training and station."""

import io
import os
import stat
import warnings
from pathlib import Path
from typing import Iterator, Optional, Tuple, Union

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganad_station.depth import (
    DEEP_MODES,
    LARGEST_LEVEL,
    grey_levels,
    read_levels,
    refuse_misread,
    to_8_bits,
)
from ganad_station.errors import StationError
from ganad_station.illumination import AS_TAKEN, even_out
from ganad_station.sizes import ImageSize, height_and_width

MODES = {1: "L", 3: "RGB"}
GREY_MODES = ("1", "L", "LA", *DEEP_MODES)
LARGEST_PIXELS = 64_000_000
LARGEST_BYTES = 1 << 29
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
"""The formats that are tried, whatever a file is named: Pillow starts Ghostscript for others."""
# Pillow prints two lines about large pictures; this module has its own limit.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Damaged EXIF blocks are ignored, see `_orientation`.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL.TiffImagePlugin")
# Older boxes have Pillow before 9.1, where the constants are in the module itself.
BILINEAR = getattr(Image, "Resampling", Image).BILINEAR
NEAREST = getattr(Image, "Resampling", Image).NEAREST
_TURN = getattr(Image, "Transpose", Image)
EXIF_ORIENTATION = 0x0112
TURNS = {
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_90,
}
"""The transposition that turns a picture upright, by EXIF orientation (EXIF 2.3, tag 0x0112)."""
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})

Picture = Union[str, Path, Image.Image, np.ndarray]
"""The types of pictures that `prepare_image` takes."""


class UnreadableImageError(StationError):
    """A file cannot be read as a picture; the message is one line that names it."""


def is_color(path: Path) -> bool:
    """Return whether a picture has colors, by its header alone.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    return has_color(_open(path))


def has_color(image: Image.Image) -> bool:
    """Return whether a Pillow image has colors."""
    return image.mode not in GREY_MODES


def pictures_in(folder: Path) -> Iterator[Path]:
    """Find the pictures in a folder and its subfolders by their suffixes, in alphabetical order.

    Hidden files and folders are left out, links to folders are not followed.
    """
    for parent, folders, files in os.walk(str(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(parent, name)


def prepare_image(
    picture: Picture,
    size: ImageSize,
    channels: int,
    illumination: str = AS_TAKEN,
    white_level: Optional[int] = None,
) -> np.ndarray:
    """Turn a picture into the image that a model takes: upright, scaled, evened out.

    A file, the Pillow image in it and the array of its pixels give the very same image.

    Args:
        picture: Path of a file in one of `FORMATS`, with up to 16 bits per channel; a Pillow image
            with such pixels, which is turned as its EXIF orientation says (Pillow drops the lower 8
            bits of 16-bit colors when it loads them: pass an image that is only opened); or a uint8
            or uint16 array `(height, width)`, `(height, width, 1)` (grey) or `(height, width, 3)`
            (RGB).
        size: Size to scale to, in pixels.
        channels: 1 for grey, 3 for RGB.
        illumination: How the image is evened out, see `ganad_station.illumination.even_out`.
        white_level: The level of deep pictures, those with more than 8 bits, that becomes 255, see
            `ganad_station.depth.to_8_bits`. None for what was done before there was a white level:
            grey levels are divided by 257, and of colors the upper 8 bits are taken. Pictures with
            8 bits keep their levels.

    Returns:
        uint8 `(height, width, channels)`, 0 to 255.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture, or the image or the array
            has another type or shape.
    """
    opened, name = open_picture(picture, white_level)
    return even_out(fit_image(to_pixels(opened, channels, name), size), illumination)


def open_picture(picture: Picture, white_level: Optional[int] = None) -> Tuple[Image.Image, str]:
    """Decode a picture of any type, and turn it as its EXIF orientation says.

    Args:
        picture: See `prepare_image`.
        white_level: See `prepare_image`.

    Returns:
        The image in the mode that it has, or with 8 bits if it is deep and there is a white level;
        and its name for error messages.

    Raises:
        UnreadableImageError: See `prepare_image`.
    """
    if isinstance(picture, np.ndarray):
        return _from_array(picture, white_level), "the array"
    if isinstance(picture, Image.Image):
        _check_size(picture, "the image")
        return _turned_upright(picture, "the image", white_level), "the image"
    return open_upright(Path(picture), white_level), str(picture)


def read_upright(path: Path, channels: int) -> np.ndarray:
    """Read a picture at its own size, see `prepare_image`.

    Returns:
        uint8 `(height, width)` for one channel, `(height, width, 3)` for three.
    """
    return to_pixels(open_upright(path), channels, str(path))


def open_upright(path: Path, white_level: Optional[int] = None) -> Image.Image:
    """Decode a picture and turn it as its EXIF orientation says.

    Args:
        path: Path of the file.
        white_level: See `prepare_image`.

    Returns:
        The image in the mode that it has, or with 8 bits if it is deep and there is a white level.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    return _turned_upright(_open(path), str(path), white_level)


def _turned_upright(image: Image.Image, name: str, white_level: Optional[int]) -> Image.Image:
    try:
        levels = None
        if white_level is None:
            refuse_misread(image)
        else:
            levels = read_levels(image)
        image.load()
        turn = TURNS.get(_orientation(image))
        if levels is not None and white_level is not None:
            image = Image.fromarray(to_8_bits(levels, white_level))
        return image if turn is None else image.transpose(turn)
    except Exception as error:  # Pillow's decoders raise any exception for damaged files.
        raise UnreadableImageError(f"{name} cannot be decoded ({error or 'no memory'})") from None


def to_pixels(image: Image.Image, channels: int, name: str) -> np.ndarray:
    """Convert a decoded Pillow image to 8 bits, in grey or RGB.

    Args:
        image: An image in any mode, such as `open_upright` returns.
        channels: 1 for grey, 3 for RGB.
        name: The name of the image in error messages.

    Returns:
        uint8 `(height, width)` for one channel, `(height, width, 3)` for three.

    Raises:
        UnreadableImageError: If its pixels have no fixed range, or more than 16 bits.
    """
    try:
        return np.asarray(_to_8_bits(image).convert(MODES[channels]))
    except (OSError, ValueError, MemoryError) as error:
        raise UnreadableImageError(f"{name} cannot be decoded ({error or 'no memory'})") from None


def _from_array(pixels: np.ndarray, white_level: Optional[int]) -> Image.Image:
    shape = pixels.shape
    is_image = len(shape) == 2 or (len(shape) == 3 and shape[2] in MODES)
    # A big-endian file gives a big-endian array.
    is_depth = pixels.dtype.newbyteorder("=") in (np.uint8, np.uint16)
    if not is_depth or not is_image or 0 in shape:
        raise UnreadableImageError(
            f"an array {shape} of {pixels.dtype} is not a picture: give uint8 or uint16 "
            "(height, width), (height, width, 1) or (height, width, 3)"
        )
    if pixels.dtype != np.uint8:
        if white_level is None and shape[2:] == (3,):
            pixels = (pixels >> np.uint16(8)).astype(np.uint8)
        else:
            pixels = to_8_bits(pixels, white_level or LARGEST_LEVEL)
    return Image.fromarray(pixels.reshape(shape[:2]) if shape[2:] == (1,) else pixels)


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":
        # Pillow has turned it while loading it. Versions 8.4 to 9.5 report its orientation still.
        return 1
    try:
        value = image.getexif().get(EXIF_ORIENTATION)
    except Exception:  # A picture with a damaged EXIF block can still be used.
        return 1
    return value if isinstance(value, int) else 1


def fit_image(pixels: np.ndarray, size: ImageSize) -> np.ndarray:
    """Scale an image to a size, bilinear with antialiasing; its aspect ratio may change.

    Args:
        pixels: uint8 `(height, width)`, `(height, width, 1)` or `(height, width, 3)`.
        size: Size to scale to, in pixels.

    Returns:
        uint8 `(height, width, channels)`; the same pixels if the size is right already.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    height, width = height_and_width(size)
    if pixels.shape[:2] != (height, width):
        pixels = np.asarray(Image.fromarray(pixels).resize((width, height), BILINEAR))
    return pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow would clip it."""
    if image.mode == "F":
        raise ValueError("floating-point pixels have no fixed range: save it with 8 or 16 bits")
    if image.mode not in DEEP_MODES:
        return image
    return Image.fromarray(to_8_bits(grey_levels(image), LARGEST_LEVEL))


def open_header(path: Path) -> Image.Image:
    """Open a picture without decoding it; close it after use.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    return _open(path, in_memory=False)


def _open(path: Path, in_memory: bool = True) -> Image.Image:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # Reading a pipe would block until something is written.
            raise UnreadableImageError(f"{path} is not a regular file")
        if status.st_size > LARGEST_BYTES:
            raise UnreadableImageError(f"{path} has more than {LARGEST_BYTES:,} bytes")
        # Decoding by path maps some files into memory, and Pillow 13.0 maps turned ones wrongly.
        source = io.BytesIO(path.read_bytes()) if in_memory else str(path)
        image = Image.open(source, formats=FORMATS)
    except FileNotFoundError:
        raise UnreadableImageError(f"{path} does not exist") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise UnreadableImageError(f"{path} cannot be read ({reason})") from None
    _check_size(image, str(path))
    return image


def _check_size(image: Image.Image, name: str) -> None:
    if image.width * image.height > LARGEST_PIXELS:
        raise UnreadableImageError(
            f"{name} has {image.width} x {image.height} pixels, {LARGEST_PIXELS:,} are the most"
        )
