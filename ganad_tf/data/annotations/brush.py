"""Decodes the brush strokes of Label Studio.

They are pixels in RGBA, row by row, packed as https://github.com/thi-ng/umbrella (rle-pack) does.
"""

import numpy as np
from numpy.typing import NDArray

WORD = 8
CHANNELS = 4


class _Bits:
    """Reads numbers of any count of bits, the highest bit first."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._bits = np.unpackbits(data)
        self._at = 0

    def number(self, count: int) -> int:
        """Read one number of `count` bits."""
        taken = self._take(count)
        return int("".join(map(str, taken.tolist())), 2)

    def words(self, count: int) -> NDArray[np.uint8]:
        """Read `count` numbers of `WORD` bits."""
        return np.packbits(self._take(count * WORD))

    def _take(self, count: int) -> NDArray[np.uint8]:
        taken = self._bits[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("a brush stroke ends early")
        self._at += count
        return taken


def decode(data: NDArray[np.integer], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Decode a brush stroke.

    Args:
        data: The bytes in `rle`, integers from 0 to 255.
        shape: Height and width of the picture in pixels.

    Returns:
        bool `(height, width)`, the pixels that are not transparent.

    Raises:
        ValueError: If the bytes are not a brush stroke of such a picture.
    """
    if data.ndim != 1 or not np.issubdtype(data.dtype, np.integer):
        raise ValueError("a brush stroke takes integers")
    if data.min(initial=0) < 0 or data.max(initial=0) > 255:
        raise ValueError("a brush stroke takes integers from 0 to 255")
    bits = _Bits(data.astype(np.uint8))
    count = bits.number(32)
    if count != shape[0] * shape[1] * CHANNELS or bits.number(5) + 1 != WORD:
        raise ValueError(f"a brush stroke is not of {shape[0]} x {shape[1]} pixels")
    sizes = [bits.number(4) + 1 for _ in range(4)]
    levels = np.zeros(count, np.uint8)
    at = 0
    while at < count:
        is_run = bits.number(1)
        end = at + 1 + bits.number(sizes[bits.number(2)])
        if end > count:
            raise ValueError("a brush stroke is too long")
        levels[at:end] = bits.words(1)[0] if is_run else bits.words(end - at)
        at = end
    return levels.reshape(*shape, CHANNELS)[:, :, -1] > 0
