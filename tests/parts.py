"""Made pictures of parts."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def save_part(path: Path, kind: str, side: int, rng: np.random.Generator) -> None:
    Image.fromarray(draw_part(kind, side, rng)).save(path)


def draw_part(kind: str, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A grey noisy plate, with a bright line or a dark blot where it is defective."""
    plate = rng.normal(128, 6, (side, side))
    if kind == "scratch":
        plate[side // 2, :] = 250
    if kind == "stain":
        plate[side // 4 : side // 2, side // 4 : side // 2] = 20
    return np.clip(plate, 0, 255).astype(np.uint8)
