"""From a picture to the array that a model takes: the one mapping of training and station."""

import os
import warnings
from pathlib import Path
from typing import Iterator, Tuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganad_station.errors import StationError

MODES = {1: "L", 3: "RGB"}
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16L", "I;16B")
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B")
DEEP_LEVELS = 65535
LARGEST_PIXELS = 64_000_000
EXIF_ORIENTATION, FIRST_ON_ITS_SIDE = 0x0112, 5
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
"""Others are not tried, whatever a file is named: Pillow starts Ghostscript for some."""
# Pillow warns of large pictures on two lines; this module has a limit of its own.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Pillow before 9.1, which old boxes have, knows the constants by their old places alone.
BILINEAR = getattr(Image, "Resampling", Image).BILINEAR
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


class UnreadableImageError(StationError):
    """A file is no picture, or a broken one; the message is one line that names it."""


def is_color(path: Path) -> bool:
    """Tell whether a picture has more than one grey channel.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    return _open(path).mode not in GREY_MODES


def image_shape(path: Path) -> Tuple[int, int]:
    """Return height and width of a picture in pixels, as `read_image` turns it.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    image = _open(path)
    is_on_its_side = image.getexif().get(EXIF_ORIENTATION, 1) >= FIRST_ON_ITS_SIDE
    return (image.width, image.height) if is_on_its_side else (image.height, image.width)


def pictures_in(folder: Path) -> Iterator[Path]:
    """Find the pictures of a folder and its subfolders by their suffixes, in order.

    Hidden files and folders are left out, links to folders are not followed.
    """
    for parent, folders, files in os.walk(str(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(parent, name)


def read_image(path: Path, size: int, channels: int) -> np.ndarray:
    """Read a picture, turn it as its EXIF orientation says, and scale it to a square.

    Args:
        path: A file in any format that Pillow reads, with 8 bits a channel or 16 bits of grey.
        size: Height and width to scale to, in pixels.
        channels: 1 for grey, 3 for RGB.

    Returns:
        uint8 `(size, size, channels)`, 0 to 255; 16-bit levels are divided by 257.

    Raises:
        UnreadableImageError: If the file cannot be read as a picture.
    """
    return fit_image(read_upright(path, channels), size)


def read_upright(path: Path, channels: int) -> np.ndarray:
    """Read a picture at its own size, see `read_image`.

    Returns:
        uint8 `(height, width)` for one channel, `(height, width, 3)` for three.
    """
    image = _open(path)
    try:
        upright = ImageOps.exif_transpose(image)
        return np.asarray(_to_8_bits(upright).convert(MODES[channels]))
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        raise UnreadableImageError(f"{path} cannot be decoded ({error or 'no memory'})") from None


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
    if path.exists() and not path.is_file():
        # Reading a pipe would wait for somebody to write.
        raise UnreadableImageError(f"{path} is no regular file")
    try:
        image = Image.open(path, formats=FORMATS)
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
