"""Tiles of normal images, clustered so that those of a rare appearance are seen as often."""

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
            images: uint8 `(count, size, size, channels)`, 0 to 255.
            tile: Height and width of a tile in pixels; a multiple of 16, at most `size`.
            clusters: Number of clusters; there are never more than tiles.
            seed: Seed of k-means.
        """
        size = images.shape[1]
        first = np.linspace(0, size - tile, -(-2 * (size - tile) // tile) + 1).astype(int)
        edges = np.concatenate([[0], (first[1:] + first[:-1] + tile) / 2, [size]])
        spans = np.stack([edges[:-1], edges[1:]], axis=1)
        places = [(row, column) for row in range(len(first)) for column in range(len(first))]
        vectors = [
            thumbnails(images[:, first[r] : first[r] + tile, first[c] : first[c] + tile])
            for r, c in places
        ]
        tiles = len(images) * len(places)
        labels = cluster(np.concatenate(vectors), min(clusters, tiles), seed)
        cells = np.array([[spans[r], spans[c]] for r, c in places], np.float32)
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
