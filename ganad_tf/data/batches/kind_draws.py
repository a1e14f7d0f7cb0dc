"""Draws with the same probability for each kind of anomaly, however many images it has."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KindDraws:
    """Images sorted by kind, to draw a kind and then one of its images.

    Attributes:
        first: int64 `(kinds + 1,)`, where the images of each kind begin in `members`; the last
            entry is the number of images.
        members: int64 `(images,)`, indices of the images, kind by kind.
    """

    first: NDArray[np.int64]
    members: NDArray[np.int64]

    @classmethod
    def of(cls, kinds: NDArray[np.int64]) -> "KindDraws":
        """Sort images by their kinds, int64 `(images,)`."""
        _, counts = np.unique(kinds, return_counts=True)
        return cls(np.concatenate([[0], np.cumsum(counts)]), np.argsort(kinds, kind="stable"))

    def draw_entries(self, samples: tf.Tensor) -> tf.Tensor:
        """Draw entries of `members`, int64 `(count,)`.

        Args:
            samples: Uniform samples, float32 `(count, 2)` in [0, 1).
        """
        kind = tf.cast(samples[:, 0] * (len(self.first) - 1), tf.int64)
        return draw_between(self.first, kind, samples[:, 1])


def draw_between(first: NDArray[np.int64], group: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
    """Draw one number of each group, from the first of the group up to that of the next.

    Args:
        first: int64 `(groups + 1,)`, the first number of each group, in ascending order.
        group: int64 `(count,)`, the groups to draw from.
        samples: Uniform samples, float32 `(count,)` in [0, 1).

    Returns:
        int64 `(count,)`.
    """
    begin, end = tf.gather(first, group), tf.gather(first, group + 1)
    offset = tf.cast(tf.cast(samples, tf.float64) * tf.cast(end - begin, tf.float64), tf.int64)
    return begin + offset
