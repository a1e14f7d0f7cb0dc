"""PatchCore: how far the patches of a picture are from all patches of good ones.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022. Patches are vectors
of a network's feature maps; a coreset of the good ones is kept.
"""

import numpy as np
from numpy.typing import NDArray

Patches = NDArray[np.floating]

PROJECTED = 32
AT_ONCE = 4096


class MemoryBank:
    """Patches of good pictures, as far apart as a greedy choice gets them.

    Args:
        patches: `(count, channels)`, at least one.
        size: How many to keep at most.
        seed: Seed of the projection in which they are chosen.
    """

    def __init__(self, patches: Patches, size: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        projection = rng.standard_normal((patches.shape[1], PROJECTED), np.float32)
        chosen = farthest_points(patches.astype(np.float32) @ projection, size)
        self.patches = patches[chosen].astype(np.float32)
        self._squares = np.square(self.patches).sum(axis=1)

    def distances(self, patches: Patches) -> NDArray[np.float32]:
        """Return the Euclidean distance of each patch `(count, channels)` to the nearest kept."""
        parts = [
            self._nearest(patches[start : start + AT_ONCE].astype(np.float32))
            for start in range(0, len(patches), AT_ONCE)
        ]
        return np.concatenate(parts)

    def _nearest(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        closest = (self._squares - 2 * patches @ self.patches.T).min(axis=1)
        squares: NDArray[np.float32] = np.square(patches).sum(axis=1) + closest
        return np.sqrt(np.maximum(squares, 0))


def farthest_points(points: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Choose the first point, then again and again the one that is farthest from those chosen.

    Args:
        points: `(points, dimensions)`, at least one.
        count: How many to choose at most.

    Returns:
        int64 indices, in the order of choice; fewer than `count` where all points are chosen.
    """
    chosen = [0]
    squares = np.square(points - points[0]).sum(axis=1)
    while len(chosen) < count and squares.max() > 0:
        chosen.append(int(squares.argmax()))
        squares = np.minimum(squares, np.square(points - points[chosen[-1]]).sum(axis=1))
    return np.array(chosen)
