"""Heat maps: pictures that show where the reconstruction error is."""

from pathlib import Path

import numpy as np
from PIL import Image

from ganad_station.files import replacing
from ganad_station.fitting import box_of, undistorted
from ganad_station.images import BILINEAR, NEAREST
from ganad_station.inspector import Inspection

SMALLEST_SIDE = 256
IMAGE_BRIGHTNESS = 0.6
GAIN = 2.0
HOT = np.array([255.0, 60.0, 0.0])


def overlay(inspection: Inspection) -> Image.Image:
    """Draw the picture, and beside it the picture with its reconstruction error in red.

    Both have the aspect ratio of the picture as the camera took it. The color saturates at half of
    the largest possible error. The scale is the same for all pictures, so that heat maps can be
    compared.

    Returns:
        An RGB picture with a height of at least 256 pixels.
    """
    full = inspection.image.shape[:2]
    box = box_of(inspection.shape or full, full, inspection.fit)
    image = box.cut(inspection.image)
    part = np.broadcast_to(image, (box.height, box.width, 3)).astype(np.float32)
    heat = np.minimum(box.cut(inspection.error_map)[:, :, np.newaxis] * (GAIN / 255), 1)
    mixed = IMAGE_BRIGHTNESS * part * (1 - heat) + HOT * heat
    height, width = undistorted(box, inspection.shape or full)
    panels = [
        Image.fromarray(panel.astype(np.uint8)).resize((width, height), BILINEAR)
        for panel in (part, mixed)
    ]
    both = Image.fromarray(np.concatenate([np.asarray(panel) for panel in panels], axis=1))
    factor = -(-SMALLEST_SIDE // both.height)
    return both.resize((both.width * factor, both.height * factor), NEAREST)


def save_heatmap(inspection: Inspection, path: Path) -> None:
    """Write the overlay as a PNG file; a kill leaves no torn file."""
    with replacing(path) as temporary:
        overlay(inspection).save(str(temporary), format="PNG")
