"""Tiles of anomalies of which nobody has marked the defect: some from anywhere to choose among."""

from dataclasses import dataclass

import tensorflow as tf

from ganad_tf.data.batches.kind_draws import KindDraws
from ganad_tf.data.batches.paired import ANOMALY_STREAM
from ganad_tf.data.batches.tiles import AnomalyMaker, TiledBatches

CANDIDATES = 6
"""Tiles of an anomaly, one of which is trained on."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CandidateTiles(TiledBatches):
    """Tiles of normal images, and several of each anomaly: `(batch, CANDIDATES, tile, tile, c)`.

    The detector trains on the one that it reconstructs worst (multiple-instance learning).
    """

    def _anomaly_maker(self) -> AnomalyMaker:
        anomalies, images = tf.constant(self.anomalies), KindDraws.of(self.kinds)

        def make(part: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, ...]:
            entries = images.draw_entries(self._chances(part, ANOMALY_STREAM, 2))
            pictures = tf.gather(anomalies, tf.gather(images.members, entries))
            tiles = []
            for draw in range(1, 2 * CANDIDATES, 2):
                centres = self._anywhere(self._chances(part, ANOMALY_STREAM, 2, draw))
                transforms = self._transforms(centres, part, ANOMALY_STREAM, self._zooms, draw + 1)
                tile = self._cut(pictures, transforms, "BILINEAR") / 255.0
                tiles.append(self._lit(tile, part, ANOMALY_STREAM))
            return (tf.stack(tiles, axis=1),)

        return make
