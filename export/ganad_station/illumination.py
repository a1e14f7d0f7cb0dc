"""Evening out how brightly and how softly a part was lit, in integers: training and station agree.

Every level is mapped to another one by a table that depends on sums over the image alone, so that
any machine gets the very same pixels.
"""

from math import isqrt

import numpy as np

AS_TAKEN, BRIGHTNESS, CONTRAST = "as-taken", "brightness", "contrast"
ILLUMINATIONS = (AS_TAKEN, BRIGHTNESS, CONTRAST)
MEAN_LEVEL, DEVIATION = 128, 40
LEVELS = np.arange(256, dtype=np.int64)


def even_out(image: np.ndarray, illumination: str) -> np.ndarray:
    """Bring an image to a common brightness, or to a common brightness and contrast.

    Args:
        image: uint8 `(height, width, channels)`; its channels share a table, so that hues stay.
        illumination: `as-taken` changes nothing; `brightness` multiplies the levels so that their
            mean becomes 128; `contrast` shifts and stretches them so that their mean becomes 128
            and their standard deviation 40. Levels beyond 0 and 255 are clipped.

    Returns:
        uint8 of the same shape; an image of one level all over has no contrast to even out,
        a black one no brightness, and stays.
    """
    if illumination == AS_TAKEN:
        return image
    counts = np.bincount(image.ravel(), minlength=256)
    number, total = image.size, int(counts @ LEVELS)
    if illumination == BRIGHTNESS:
        middle, factor, divisor = 0, MEAN_LEVEL * number, total
        distances = LEVELS
    else:
        middle, factor = MEAN_LEVEL, DEVIATION
        distances = LEVELS * number - total
        divisor = isqrt(number * int(counts @ LEVELS**2) - total**2)
    if not divisor:
        return image
    table = middle + (distances * factor + divisor // 2) // divisor
    return np.clip(table, 0, 255).astype(np.uint8)[image]
