"""Heat maps: pictures that show where the reconstruction error is."""

from pathlib import Path

import numpy as np
from PIL import Image

from ganad_station.files import replacing
from ganad_station.images import NEAREST
from ganad_station.inspector import Inspection

SMALLEST_SIDE = 256
IMAGE_BRIGHTNESS = 0.6
GAIN = 2.0
HOT = np.array([255.0, 60.0, 0.0])


def overlay(inspection: Inspection) -> Image.Image:
    """Draw the image, and beside it the image with its reconstruction error in red.

    The color saturates at half of the largest possible error. The scale is the same for all images,
    so that heat maps can be compared.

    Returns:
        An RGB picture of at least 512 x 256 pixels.
    """
    part = np.broadcast_to(inspection.image, (*inspection.image.shape[:2], 3)).astype(np.float32)
    heat = np.minimum(inspection.error_map[:, :, np.newaxis] * (GAIN / 255), 1)
    mixed = IMAGE_BRIGHTNESS * part * (1 - heat) + HOT * heat
    both = Image.fromarray(np.concatenate([part, mixed], axis=1).astype(np.uint8))
    factor = -(-SMALLEST_SIDE // both.height)
    return both.resize((both.width * factor, both.height * factor), NEAREST)


def save_heatmap(inspection: Inspection, path: Path) -> None:
    """Write the overlay as a PNG file; a kill leaves no torn file."""
    with replacing(path) as temporary:
        overlay(inspection).save(str(temporary), format="PNG")
