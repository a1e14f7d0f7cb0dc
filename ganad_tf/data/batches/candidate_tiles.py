"""Candidate tiles of anomalies whose defects nobody has marked."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganad_tf.data.batches.cutting import TileCutter
from ganad_tf.data.batches.kind_draws import KindDraws
from ganad_tf.data.batches.streams import Label, Stream

CANDIDATES = 6
"""Tiles of each anomaly, one of which is trained on."""


class CandidateTiles:
    """Cuts several tiles out of each anomaly, from anywhere in it.

    The detector trains on the tile that it reconstructs worst (multiple-instance learning).

    Args:
        anomalies: uint8 `(anomalies, height, width, channels)`, 0 to 255.
        kinds: int64 `(anomalies,)`, the kind of each anomaly; all kinds are drawn as often.
        cutter: Cuts the tiles.
    """

    def __init__(
        self, anomalies: NDArray[np.uint8], kinds: NDArray[np.int64], cutter: TileCutter
    ) -> None:
        self._anomalies, self._images = tf.constant(anomalies), KindDraws.of(kinds)
        self._cutter, self._samples = cutter, cutter.samples

    def __call__(self, shard: tf.Tensor, _: tf.Tensor) -> tuple[list[tf.Tensor]]:
        """Return the candidates of a shard: float32 `(batch, tile, tile, channels)`, 0 to 255."""
        label, cutter = Label.ANOMALY, self._cutter
        drawn = self._samples.uniform(Stream.CANDIDATE_IMAGE, shard, label, 2)
        entries = self._images.draw_entries(drawn)
        images = tf.gather(self._anomalies, tf.gather(self._images.members, entries))
        tiles = []
        for candidate in range(CANDIDATES):
            drawn = self._samples.uniform(Stream.CANDIDATE_PLACE, shard, label, 2, candidate)
            transforms = cutter.transforms(
                cutter.anywhere(drawn), Stream.CANDIDATE_TRANSFORM, shard, label, candidate
            )
            tiles.append(cutter.cut(images, transforms))
        return (tiles,)
