"""Pairs of batches of tiles, for training on images that are larger than their defects."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganad_tf.data.batches.candidate_tiles import CandidateTiles
from ganad_tf.data.batches.clustered_tiles import ClusteredTiles
from ganad_tf.data.batches.cutting import TileCutter
from ganad_tf.data.batches.marked_tiles import MarkedTiles
from ganad_tf.data.batches.paired import BatchMaker, PairedBatches
from ganad_tf.data.batches.streams import Label, Stream

Placer = Callable[[tf.Tensor, int], tuple[tf.Tensor, tf.Tensor]]
"""From the numbers of a shard and of a candidate to indices of images and centers of tiles."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TiledBatches(PairedBatches):
    """Tiles of normal images and of anomalies, in place of whole images.

    An epoch has as many tiles of normal images as `config.passes` passes over the images. Where
    `config.normal_candidates` is more than 1, each tile comes with others to choose among: batches
    of normal images are `(batch, candidates, tile, tile, channels)`.

    Where masks mark the defects, batches are triples: tiles of anomalies that hold a defect, and
    float32 `(batch, tile, tile)`, which is 1 where they are defective and 0 elsewhere. Without
    masks, the tiles of anomalies are candidates, see `CandidateTiles`.

    Attributes:
        kinds: int64 `(anomalies,)`, the kind of each anomaly.
        tile: Height and width of a tile in pixels, at most each side of the images.
        clusters: Number of k-means clusters of the tiles of normal images, each of which gives the
            same number of tiles; 0 to take tiles from anywhere in each image in turn.
        masks: uint8 `(anomalies, height, width)`, with `DEFECT_PIXEL` in some pixels of each
            anomaly; None without masks.

    Raises:
        UserError: If there are fewer normal images than replicas.
    """

    kinds: NDArray[np.int64]
    tile: int
    clusters: int = 0
    masks: NDArray[np.uint8] | None = None

    def _batch_maker(self) -> BatchMaker:
        cutter = TileCutter(self.normals.shape[1:3], self.tile, self.config, self._samples)
        normals, place = tf.constant(self.normals), self._placer(cutter)
        make_anomalies = (
            CandidateTiles(self.anomalies, self.kinds, cutter)
            if self.masks is None
            else MarkedTiles(self.anomalies, self.kinds, self.masks, cutter)
        )

        def normal_tile(shard: tf.Tensor, candidate: int) -> tf.Tensor:
            chosen, centers = place(shard, candidate)
            transforms = cutter.transforms(
                centers, Stream.NORMAL_TRANSFORM, shard, Label.NORMAL, candidate
            )
            return cutter.cut(tf.gather(normals, chosen), transforms)

        def make(shard: tf.Tensor) -> tuple[tf.Tensor, ...]:
            normal = [normal_tile(shard, k) for k in range(self.config.normal_candidates)]
            anomaly, *marks = make_anomalies(shard, normal[0])
            return (
                self._lit(normal, shard, Label.NORMAL),
                self._lit(anomaly, shard, Label.ANOMALY),
                *marks,
            )

        return make

    def _lit(self, candidates: list[tf.Tensor], shard: tf.Tensor, label: Label) -> tf.Tensor:
        """Relight candidate tiles, 0 to 255, alike, and stack them if there are several."""
        lit = [self._augmentation.relight(tiles / 255.0, shard, label) for tiles in candidates]
        return lit[0] if len(lit) == 1 else tf.stack(lit, axis=1)

    def _placer(self, cutter: TileCutter) -> Placer:
        """Return what places the tiles of normal images."""
        samples, clustered = self._samples, None
        if self.clusters:
            clustered = ClusteredTiles.find(self.normals, self.tile, self.clusters, self.seed)

        def place(shard: tf.Tensor, candidate: int) -> tuple[tf.Tensor, tf.Tensor]:
            columns = 2 if clustered is None else 4
            drawn = samples.uniform(Stream.NORMAL_PLACE, shard, Label.NORMAL, columns, candidate)
            if clustered is not None:
                chosen, centers = clustered.draw(drawn)
                return chosen, cutter.inside(centers)
            positions = samples.positions(shard) * self.config.normal_candidates + candidate
            chosen = samples.shuffled(positions, len(self.normals), Label.NORMAL)
            return chosen, cutter.anywhere(drawn)

        return place
