"""Tiles of normal images, clustered so that those of a rare appearance are seen as often."""

import itertools
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganad_tf.data.batches.kind_draws import KindDraws
from ganad_tf.data.sampling import cluster, thumbnails


@dataclass(frozen=True, eq=False)
class ClusteredTiles:
    """Overlapping tiles of images in k-means clusters.

    Attributes:
        draws: The tiles of each cluster.
        images: int64 `(tiles,)`, the index of the image that each tile is cut from.
        cells: float32 `(tiles, 2, 2)` in pixels, where the center of each tile may be: first and
            last row, first and last column. The cells of an image cover it without overlap.
    """

    draws: KindDraws
    images: NDArray[np.int64]
    cells: NDArray[np.float32]

    @classmethod
    def find(
        cls, images: NDArray[np.uint8], tile: int, clusters: int, seed: int
    ) -> "ClusteredTiles":
        """Cut tiles that overlap by half, and cluster their thumbnails by k-means.

        Args:
            images: uint8 `(count, height, width, channels)`, 0 to 255.
            tile: Height and width of a tile in pixels; a multiple of 16, at most each side of
                the images.
            clusters: Number of clusters; there are never more than tiles.
            seed: Seed of k-means.
        """
        rows, columns = (_spread(length, tile) for length in images.shape[1:3])
        places = list(itertools.product(rows, columns))
        vectors = [
            thumbnails(images[:, row : row + tile, column : column + tile])
            for (row, _), (column, _) in places
        ]
        tiles = len(images) * len(places)
        labels = cluster(np.concatenate(vectors), min(clusters, tiles), seed)
        cells = np.array([(high, wide) for (_, high), (_, wide) in places], np.float32)
        return cls(
            KindDraws.of(labels),
            np.tile(np.arange(len(images)), len(places)),
            np.repeat(cells, len(images), axis=0),
        )

    def draw(self, samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Draw tiles from anywhere in their cells, with the same probability for each cluster.

        Args:
            samples: Uniform samples, float32 `(count, 4)` in [0, 1).

        Returns:
            The indices of the images, int64 `(count,)`, and row and column of the centers in
            pixels, float32 `(count, 2)`.
        """
        chosen = tf.gather(self.draws.members, self.draws.draw_entries(samples[:, :2]))
        first, last = tf.unstack(tf.gather(self.cells, chosen), axis=2)
        return tf.gather(self.images, chosen), first + samples[:, 2:] * (last - first)


def _spread(length: int, tile: int) -> list[tuple[int, tuple[float, float]]]:
    """Spread tiles that overlap by half over one side of an image.

    Returns:
        The first pixel of each tile, and the span in which its center may be.
    """
    first = np.linspace(0, length - tile, -(-2 * (length - tile) // tile) + 1).astype(int)
    edges = np.concatenate([[0], (first[1:] + first[:-1] + tile) / 2, [length]]).tolist()
    return list(zip(first.tolist(), itertools.pairwise(edges), strict=True))
