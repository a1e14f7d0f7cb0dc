"""Evening out the brightness and contrast of images, for training and station alike.

Every level is mapped to another one by a table that is computed from sums over the image, in
integers, so that any machine gets the very same pixels.
"""

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
            and their standard deviation 40. Levels are clipped to 0 and 255.

    Returns:
        uint8 of the same shape. A black image has no brightness to even out, an image of a single
        level no contrast: it is returned unchanged.
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
        divisor = integer_square_root(number * int(counts @ LEVELS**2) - total**2)
    if not divisor:
        return image
    table = middle + (distances * factor + divisor // 2) // divisor
    return np.clip(table, 0, 255).astype(np.uint8)[image]


def integer_square_root(number: int) -> int:
    """Return the largest integer whose square is at most `number`, >= 0 (Newton's method).

    `math.isqrt` does so, too, from Python 3.8 on.
    """
    root = 1 << (number.bit_length() + 1) // 2
    while root and root * root > number:
        root = (root + number // root) // 2
    return root
