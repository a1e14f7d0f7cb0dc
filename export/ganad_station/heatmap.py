"""Pictures that show a person where the error is."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from ganad_station.inspector import Inspection

SMALLEST_SIDE = 256
BRIGHTNESS_OF_THE_PART = 0.6
GAIN = 2.0
NEAREST = getattr(Image, "Resampling", Image).NEAREST
HOT = np.array([255.0, 60.0, 0.0])


def overlay(inspection: Inspection) -> Image.Image:
    """Draw the part, and beside it the part with its reconstruction error in red.

    The color is full from half of the largest possible error on, the same for every part, so
    that two heat maps can be compared.

    Returns:
        An RGB picture, at least 512 x 256 pixels.
    """
    part = np.broadcast_to(inspection.image, (*inspection.image.shape[:2], 3)).astype(np.float32)
    heat = np.minimum(inspection.error_map[:, :, np.newaxis] * (GAIN / 255), 1)
    mixed = BRIGHTNESS_OF_THE_PART * part * (1 - heat) + HOT * heat
    both = Image.fromarray(np.concatenate([part, mixed], axis=1).astype(np.uint8))
    factor = -(-SMALLEST_SIDE // both.height)
    return both.resize((both.width * factor, both.height * factor), NEAREST)


def save_heatmap(inspection: Inspection, path: Path) -> None:
    """Write the overlay as a PNG file that is whole or not there."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        overlay(inspection).save(str(temporary), format="PNG")
        os.replace(str(temporary), str(path))
    finally:
        if temporary.exists():
            temporary.unlink()
