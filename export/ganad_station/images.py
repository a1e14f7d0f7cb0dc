"""From a picture to the array that a model takes: the one mapping of training and station."""

import io
import os
import stat
import warnings
from pathlib import Path
from typing import Iterator

import numpy as np
from PIL import Image, UnidentifiedImageError

from ganad_station.errors import StationError
from ganad_station.illumination import AS_TAKEN, even_out

MODES = {1: "L", 3: "RGB"}
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16L", "I;16B")
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B")
DEEP_LEVELS = 65535
LARGEST_PIXELS = 64_000_000
LARGEST_BYTES = 1 << 29
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
"""Others are not tried, whatever a file is named: Pillow starts Ghostscript for some."""
# Pillow warns of large pictures on two lines; this module has a limit of its own.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# A damaged EXIF block does not matter, see `_orientation`.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL.TiffImagePlugin")
# Pillow before 9.1, which old boxes have, knows the constants by their old places alone.
BILINEAR = getattr(Image, "Resampling", Image).BILINEAR
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
"""What turns a picture upright, by its EXIF orientation (EXIF 2.3, tag 0x0112)."""
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


class UnreadableImageError(StationError):
    """A file is no picture, or a broken one; the message is one line that names it."""


def is_color(path: Path) -> bool:
    """Tell whether a picture has more than one grey channel.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    return _open(path).mode not in GREY_MODES


def pictures_in(folder: Path) -> Iterator[Path]:
    """Find the pictures of a folder and its subfolders by their suffixes, in order.

    Hidden files and folders are left out, links to folders are not followed.
    """
    for parent, folders, files in os.walk(str(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(parent, name)


def read_image(path: Path, size: int, channels: int, illumination: str = AS_TAKEN) -> np.ndarray:
    """Read a picture, turn it as its EXIF orientation says, and scale it to a square.

    Args:
        path: A file in any format that Pillow reads, with 8 bits a channel or 16 bits of grey.
        size: Height and width to scale to, in pixels.
        channels: 1 for grey, 3 for RGB.
        illumination: What is evened out then, see `ganad_station.illumination.even_out`.

    Returns:
        uint8 `(size, size, channels)`, 0 to 255; 16-bit levels are divided by 257.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    return even_out(fit_image(read_upright(path, channels), size), illumination)


def read_upright(path: Path, channels: int) -> np.ndarray:
    """Read a picture at its own size, see `read_image`.

    Returns:
        uint8 `(height, width)` for one channel, `(height, width, 3)` for three.
    """
    image = open_upright(path)
    try:
        return np.asarray(_to_8_bits(image).convert(MODES[channels]))
    except (OSError, ValueError, MemoryError) as error:
        raise UnreadableImageError(f"{path} cannot be decoded ({error or 'no memory'})") from None


def open_upright(path: Path) -> Image.Image:
    """Decode a picture and turn it as its EXIF orientation says, in the mode that it has.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    image = _open(path)
    try:
        image.load()
        turn = TURNS.get(_orientation(image))
        return image if turn is None else image.transpose(turn)
    except Exception as error:  # Of damaged files Pillow's decoders raise whatever comes.
        raise UnreadableImageError(f"{path} cannot be decoded ({error or 'no memory'})") from None


def _orientation(image: Image.Image) -> int:
    try:
        # Newer versions of Pillow have turned a TIFF by now, and forget its orientation.
        value = image.getexif().get(EXIF_ORIENTATION)
    except Exception:  # A picture with a damaged EXIF block is a picture.
        return 1
    return value if isinstance(value, int) else 1


def fit_image(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scale an image to `size` x `size` pixels, bilinear with antialiasing.

    Args:
        pixels: uint8 `(height, width)`, `(height, width, 1)` or `(height, width, 3)`.
        size: Height and width to scale to, in pixels.

    Returns:
        uint8 `(size, size, channels)`; the very pixels where the size is right already.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.shape[:2] != (size, size):
        pixels = np.asarray(Image.fromarray(pixels).resize((size, size), BILINEAR))
    return pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits, which Pillow itself would clip."""
    if image.mode == "F":
        raise ValueError("floating-point pixels have no fixed range: save it with 8 or 16 bits")
    if image.mode not in DEEP_MODES:
        return image
    levels = np.asarray(image).astype(np.int32)
    if levels.min() < 0 or levels.max() > DEEP_LEVELS:
        raise ValueError("more than 16 bits a pixel: save it with 8 or 16 bits")
    return Image.fromarray(((levels + 128) // 257).astype(np.uint8))


def _open(path: Path) -> Image.Image:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # Reading a pipe would wait for somebody to write.
            raise UnreadableImageError(f"{path} is no regular file")
        if status.st_size > LARGEST_BYTES:
            raise UnreadableImageError(f"{path} has more than {LARGEST_BYTES:,} bytes")
        # Not by its name: Pillow would map some files, and 13.0 maps turned ones wrongly.
        image = Image.open(io.BytesIO(path.read_bytes()), formats=FORMATS)
    except FileNotFoundError:
        raise UnreadableImageError(f"{path} does not exist") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise UnreadableImageError(f"{path} cannot be read ({reason})") from None
    if image.width * image.height > LARGEST_PIXELS:
        raise UnreadableImageError(
            f"{path} has {image.width} x {image.height} pixels, {LARGEST_PIXELS:,} are the most"
        )
    return image
