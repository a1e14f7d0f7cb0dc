"""Finds pictures of the same part from the pictures alone.

Pictures are compared by the signs of the low frequencies of their cosine transforms ("perceptual
hash"; Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010), which do
not change with brightness and contrast. On 1,344 pictures of magnetic tiles, with six exposures of
each tile, a distance of a quarter of the signs separates the tiles with few exceptions.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ganad_station.images import fit_image

THUMBNAIL = 64
"""Height and width of thumbnails in pixels."""
FREQUENCIES = 16
"""Frequencies in each direction that are compared."""
LARGEST_DISTANCE = 0.25
"""Fraction of the signs in which near duplicates differ, at most."""
IDENTICAL_BUT_FOR_NOISE = 0.02
"""Fraction of the signs in which pictures differ that are the same picture but for noise, at most.
Pictures of different good parts in a fixed place may differ in less than `LARGEST_DISTANCE`."""
LARGEST_STRETCH = 1.15
"""Factor between the heights, and between the widths, of near duplicates, at most."""
LOG_STRETCH = np.log(LARGEST_STRETCH)
BLOCK = 1024
"""Pictures that are compared with all others at once, which limits memory."""


def thumbnail(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale a grey picture, uint8 `(height, width)`, to uint8 `(THUMBNAIL, THUMBNAIL)`."""
    return fit_image(grey, THUMBNAIL)[:, :, 0]


def fingerprints(thumbnails: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the perceptual hash of each picture.

    Args:
        thumbnails: uint8 `(count, THUMBNAIL, THUMBNAIL)`, from `thumbnail`.

    Returns:
        bool `(count, FREQUENCIES ** 2 - 1)`: whether the coefficient of each frequency is above
        the median of the picture; the coefficient of the mean is left out.
    """
    transforms = dctn(thumbnails.astype(np.float64), axes=(1, 2), norm="ortho")
    low = transforms[:, :FREQUENCIES, :FREQUENCIES].reshape(len(thumbnails), -1)[:, 1:]
    return low > np.median(low, axis=1, keepdims=True)


def group_near_duplicates(
    prints: NDArray[np.bool_],
    shapes: NDArray[np.int64],
    largest_distance: float = LARGEST_DISTANCE,
) -> NDArray[np.int64]:
    """Group pictures that are linked by a chain of near duplicates.

    Two pictures are near duplicates if their hashes differ in few of the signs, by default in at
    most a quarter, and their heights and widths by at most 15 %.

    Args:
        prints: bool `(count, bits)`, from `fingerprints`.
        shapes: int64 `(count, 2)`, height and width of each picture in pixels.
        largest_distance: Fraction of the signs in which near duplicates differ, at most.

    Returns:
        int64 `(count,)`, the group of each picture, from 0.
    """
    count, bits = prints.shape
    signs = np.where(prints, 1, -1).astype(np.float32)
    stretch = np.log(shapes).astype(np.float32)
    groups = np.arange(count)
    for start in range(0, count, BLOCK):
        block = slice(start, start + BLOCK)
        alike = (bits - signs[block] @ signs.T) / 2 <= largest_distance * bits
        for axis in (0, 1):
            alike &= np.abs(stretch[block, axis, np.newaxis] - stretch[:, axis]) <= LOG_STRETCH
        first, second = np.nonzero(alike)
        # Links are folded block by block: where all pictures are alike, all would not fit.
        groups = _joined(groups, first + start, second)
    return groups


def join(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join two groupings: pictures that share a group in either of them share one in the result.

    Args:
        first: int64 `(count,)`, the group of each picture in one grouping.
        second: int64 `(count,)`, the group of each picture in the other grouping.

    Returns:
        int64 `(count,)`, the group of each picture, from 0.
    """
    _, leaders, members = np.unique(second, return_index=True, return_inverse=True)
    return _joined(first, np.arange(len(first)), leaders[members])


def _joined(
    groups: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Join the groups of each picture in `first` and of its partner in `second`."""
    count = len(groups)
    linked = coo_array(
        (np.ones(len(first), np.bool_), (groups[first], groups[second])), shape=(count, count)
    )
    return connected_components(linked, directed=False)[1][groups].astype(np.int64)
