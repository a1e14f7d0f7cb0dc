"""Draws pictures of parts, and counts how often pictures are decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile


def save_part(path: Path, kind: str, side: int, rng: np.random.Generator) -> None:
    Image.fromarray(draw_part(kind, side, rng)).save(path)


def draw_part(kind: str, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a noisy grey plate, with a bright line or a dark blot where it is defective.

    Returns:
        uint8 `(side, side)`.
    """
    plate = rng.normal(128, 6, (side, side))
    if kind == "scratch":
        plate[side // 2, :] = 250
    if kind == "stain":
        plate[side // 4 : side // 2, side // 4 : side // 2] = 20
    return np.clip(plate, 0, 255).astype(np.uint8)


def write_marked_parts(root: Path, side: int) -> None:
    """Write 40 normal parts, and 20 with a small stain anywhere and its mask."""
    rng = np.random.default_rng(0)
    for kind in ("normal", "stain", "masks/stain"):
        (root / kind).mkdir(parents=True)
    for number in range(40):
        save_part(root / "normal" / f"{number}.png", "normal", side, rng)
    for number in range(20):
        part, mask = draw_part("normal", side, rng), np.zeros((side, side), np.uint8)
        row, column = rng.integers(0, side - 6, 2)
        part[row : row + 6, column : column + 6] //= 3
        mask[row : row + 6, column : column + 6] = 255
        Image.fromarray(part).save(root / "stain" / f"{number}.png")
        Image.fromarray(mask).save(root / "masks" / "stain" / f"{number}.png")


@contextmanager
def count_decodings() -> Iterator[list[tuple[int, int]]]:
    """Collect the size of each picture that Pillow decodes, whoever asks for it."""
    decoded: list[tuple[int, int]] = []
    load = ImageFile.ImageFile.load

    def counted(image: ImageFile.ImageFile) -> object:
        if image.tile:
            decoded.append(image.size)
        return load(image)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageFile.ImageFile, "load", counted)
        yield decoded


def draw_color_part(is_scratched: bool, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a copper disc with a green mark at its upper left, on a grey belt.

    Returns:
        uint8 `(side, side, 3)`.
    """
    rows, columns = np.mgrid[:side, :side] / side - rng.normal(0, 0.01, (2, 1, 1))
    disc = np.hypot(rows - 0.5, columns - 0.5) < 0.38
    mark = np.hypot(rows - 0.32, columns - 0.36) < 0.11
    part = np.full((side, side, 3), 70.0)
    part[disc] = (190, 120, 70)
    part[mark] = (60, 140, 80)
    if is_scratched:
        at = side // 2 + int(rng.integers(-side // 6, side // 6))
        part[at - 1 : at + 2, side // 4 : -side // 4] = 245
    part = part * rng.normal(1, 0.02) + rng.normal(0, 4, part.shape)
    return np.clip(part, 0, 255).astype(np.uint8)
