"""Makes the batches that a configuration asks for, from a train split."""

import dataclasses
import logging

import numpy as np

from ganad_tf.config.schema import RunConfig, TrainConfig
from ganad_tf.data.batches.candidate_tiles import CandidateTiles
from ganad_tf.data.batches.marked_tiles import MarkedTiles
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.data.batches.tiles import TiledBatches
from ganad_tf.data.labeled import DEFECT_PIXEL
from ganad_tf.data.sampling import choose_anomalies, training_anomalies
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError

logger = logging.getLogger(__name__)


def paired_batches(config: RunConfig, split: Split, replicas: int = 1) -> PairedBatches:
    """Pair the normal images of a train split with sampled anomalies, or tiles of both."""
    if config.data.tile is not None:
        return _tiled_batches(config, split, config.data.tile, replicas)
    return _whole_batches(config, split, config.train, replicas)


def whole_batches(config: RunConfig, split: Split) -> PairedBatches:
    """Pair whole images, as the exported file gets them, also where training sees tiles.

    Then an epoch is one pass, in batches of about as many pixels as those of tiles.
    """
    train_config, tile = config.train, config.data.tile
    if tile is not None:
        fitting = train_config.batch_size * tile**2 // config.data.size**2
        train_config = dataclasses.replace(train_config, passes=1, batch_size=max(1, fitting))
    return _whole_batches(config, split, train_config)


def _whole_batches(
    config: RunConfig, split: Split, train_config: TrainConfig, replicas: int = 1
) -> PairedBatches:
    anomalies = training_anomalies(split, config.data, config.seed)
    return PairedBatches(split.normals, anomalies, train_config, config.seed, replicas)


def _tiled_batches(config: RunConfig, split: Split, tile: int, replicas: int) -> TiledBatches:
    """Cut tiles of anomalies where masks mark defects, or anywhere where there are no masks."""
    taken, masks = split.is_anomaly, split.data.masks
    if masks is not None:
        taken = taken & np.any(masks == DEFECT_PIXEL, axis=(1, 2))
        unmarked = int(split.is_anomaly.sum() - taken.sum())
        if unmarked:
            logger.warning("left out: %d defective pictures without a mask", unmarked)
    if not taken.any():
        raise UserError(
            "no anomaly of the train split is marked by a mask: give masks of them, remove those "
            "there are to have tiles chosen by their error, or leave out data.tile"
        )
    data = split.data.take(np.flatnonzero(taken))
    normals = split.normals
    data = data.take(
        choose_anomalies(data.images, data.kinds, len(normals), config.data, config.seed)
    )
    common = (normals, data.images, config.train, config.seed, replicas)
    clusters = config.data.tile_clusters
    if data.masks is None:
        return CandidateTiles(*common, kinds=data.kinds, tile=tile, clusters=clusters)
    return MarkedTiles(*common, kinds=data.kinds, tile=tile, clusters=clusters, masks=data.masks)
