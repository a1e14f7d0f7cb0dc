"""Draws with the same chance for each kind of anomaly, however many images it has."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KindDraws:
    """Images by kind, to draw a kind and then one of its images.

    Attributes:
        first: int64 `(kinds + 1,)`, where the images of each kind begin; the last is the end.
        members: int64 `(images,)`, indices of the images, kind by kind.
    """

    first: NDArray[np.int64]
    members: NDArray[np.int64]

    @classmethod
    def of(cls, kinds: NDArray[np.int64]) -> "KindDraws":
        """Sort images by their kinds, int64 `(images,)`."""
        _, counts = np.unique(kinds, return_counts=True)
        return cls(np.concatenate([[0], np.cumsum(counts)]), np.argsort(kinds, kind="stable"))

    def draw_entries(self, chances: tf.Tensor) -> tf.Tensor:
        """Draw entries of `members`, int64 `(count,)`, by chances `(count, 2)` in [0, 1)."""
        kind = tf.cast(chances[:, 0] * (len(self.first) - 1), tf.int64)
        return draw_between(self.first, kind, chances[:, 1])


def draw_between(first: NDArray[np.int64], group: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    """Draw one of the numbers of each group, from its first up to that of the next group."""
    begin, end = tf.gather(first, group), tf.gather(first, group + 1)
    offset = tf.cast(tf.cast(chance, tf.float64) * tf.cast(end - begin, tf.float64), tf.int64)
    return begin + offset
