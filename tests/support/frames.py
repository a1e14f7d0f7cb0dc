"""Bad frames, made from the picture of a good part."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Pixels = NDArray[np.uint8]
"""uint8 `(height, width)` or `(height, width, 3)`."""

TURNED = ("mirrored", "upside down")
"""The frames that are told only where parts lie in one position and are not symmetric."""
REARRANGED = (*TURNED, "torn", "inverted")
"""The frames that are told only where parts have something on them, in one position."""


def bad_frames(good: Pixels, seed: int = 0) -> dict[str, Pixels]:
    """Return every kind of bad frame by name; the part may be grey or in color."""
    rng = np.random.default_rng(seed)
    frames = {name: _to_pixels(make(good.astype(np.float64))) for name, make in _FROM_PART.items()}
    frames["noise"] = rng.integers(0, 256, good.shape, np.uint8)
    frames["another product"] = _like(good, _other_product(good.shape[0]))
    frames["menu screen"] = _like(good, _menu(good.shape[0]))
    frames["color instead of grey" if good.ndim == 2 else "grey instead of color"] = (
        _tinted(good) if good.ndim == 2 else _greyed(good)
    )
    return frames


def _half_black(part: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    black = part.copy()
    middle = len(part) // 2
    black[(slice(None),) * axis + (slice(0, middle),)] = 0
    return black


def _blurred(part: NDArray[np.float64]) -> NDArray[np.float64]:
    sigma = len(part) / 10
    return ndimage.gaussian_filter(part, (sigma, sigma, 0)[: part.ndim])


def _vignette(part: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = (np.linspace(-1, 1, side) ** 2 for side in part.shape[:2])
    falloff = np.clip(1 - 1.6 * (rows[:, np.newaxis] + columns), 0, 1)
    return (part.T * falloff.T).T


def _stripes(part: NDArray[np.float64]) -> NDArray[np.float64]:
    stripes = np.zeros_like(part)
    stripes[:, :: max(2, len(part) // 8)] = 255
    return stripes


def _cast(part: NDArray[np.float64]) -> NDArray[np.float64]:
    colored = part if part.ndim == 3 else np.repeat(part[..., np.newaxis], 3, axis=2)
    return colored * (1.4, 1.0, 0.5)


_FROM_PART: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "black": np.zeros_like,
    "grey": lambda part: np.full_like(part, 128),
    "white": lambda part: np.full_like(part, 255),
    "left half black": lambda part: _half_black(part, 1),
    "upper half black": lambda part: _half_black(part, 0),
    "out of focus": _blurred,
    "overexposed": lambda part: 3 * part + 60,
    "underexposed": lambda part: part / 8,
    "fog": lambda part: 180 + (part - 128) / 8,
    "motion blur": lambda part: ndimage.uniform_filter1d(part, len(part) // 2, axis=1),
    "vignetting": _vignette,
    "stripes": _stripes,
    "color cast": _cast,
    "wrong aspect": lambda part: part[len(part) // 6 : -len(part) // 6],
    "half of the picture": lambda part: part[:, : part.shape[1] // 2],
    "thumbnail": lambda part: part[:: len(part) // 4, :: len(part) // 4],
    "torn": lambda part: np.concatenate([part[: len(part) // 3]] * 3 + [part[: len(part) % 3]]),
    "inverted": lambda part: 255 - part,
    "mirrored": lambda part: part[:, ::-1],
    "upside down": lambda part: part[::-1],
}


def _other_product(side: int) -> Image.Image:
    image = Image.new("RGB", (side, side), (90, 110, 90))
    draw = ImageDraw.Draw(image)
    for number in range(1, 6):
        draw.line((0, side * number // 6, side, side * number // 8), (220, 200, 40), 1 + side // 20)
    draw.ellipse((side // 8, side // 2, side // 2, side - 2), (200, 40, 40))
    return image


def _menu(side: int) -> Image.Image:
    """Draw a settings screen, and compress it as JPEG."""
    large = Image.new("RGB", (256, 256), (20, 40, 120))
    draw = ImageDraw.Draw(large)
    draw.rectangle((20, 20, 236, 50), (240, 240, 240))
    for row in range(7):
        draw.text((30, 60 + 26 * row), f"EXPOSURE {row}: AUTO / MANUAL", (255, 255, 255))
    file = io.BytesIO()
    large.resize((side, side)).save(file, "JPEG", quality=60)
    return Image.open(file)


def _like(good: Pixels, image: Image.Image) -> Pixels:
    return np.asarray(image.convert("L" if good.ndim == 2 else "RGB"))


def _tinted(good: Pixels) -> Pixels:
    """Give a grey picture the colors of a sensor without its infrared filter."""
    return _to_pixels(good[..., np.newaxis].astype(np.float64) * (1, 0.75, 0.9))


def _greyed(good: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(good).convert("L"))


def _to_pixels(levels: NDArray[np.float64]) -> Pixels:
    return np.clip(levels, 0, 255).astype(np.uint8)
