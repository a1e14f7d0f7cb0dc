"""Makes the batches that a configuration asks for from a train split."""

import logging
import math

import numpy as np
from numpy.typing import NDArray

from ganad_station.fitting import Box
from ganad_tf.config import RunConfig, TrainConfig
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.data.batches.tiles import TiledBatches
from ganad_tf.data.labeled import DEFECT_PIXEL, LabeledImages
from ganad_tf.data.sampling import choose_anomalies, training_anomalies
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError

logger = logging.getLogger(__name__)


def paired_batches(config: RunConfig, split: Split, replicas: int = 1) -> PairedBatches:
    """Return the batches that training sees: whole images, or tiles where `data.tile` is set.

    Args:
        config: How anomalies are sampled, the batch size, and augmentation.
        split: The train split.
        replicas: Number of replicas that train together.

    Raises:
        UserError: If there are masks but none that marks a defect, or too few normal images.
    """
    if config.data.tile is not None:
        return _tiled_batches(config, split, config.data.tile, replicas)
    return _whole_batches(config, split, config.train, replicas)


def whole_batches(config: RunConfig, split: Split) -> PairedBatches:
    """Return batches of whole images, as the exported model gets them, also for a run on tiles.

    For a run on tiles an epoch is one pass, in batches with about as many pixels as those of tiles.

    Args:
        config: How anomalies are sampled, the batch size, and augmentation.
        split: The train split.
    """
    train_config, tile = config.train, config.data.tile
    if tile is not None:
        fitting = train_config.batch_size * tile**2 // math.prod(config.data.shape)
        train_config = train_config.derive(passes=1, batch_size=max(1, fitting))
    return _whole_batches(config, split, train_config)


def _whole_batches(
    config: RunConfig, split: Split, train_config: TrainConfig, replicas: int = 1
) -> PairedBatches:
    anomalies = training_anomalies(split, config.data, config.seed)
    return PairedBatches(
        split.normals,
        anomalies.images,
        train_config,
        config.seed,
        replicas,
        _inside(anomalies),
    )


def _inside(data: LabeledImages) -> NDArray[np.uint8] | None:
    """Return 1 inside the picture in each image, 0 in what is filled around it; None if nothing is.

    What is filled looks the same around normal parts, and must not be learned as a defect.
    """
    if data.boxes is None or not len(data):
        return None
    inside = np.zeros(data.images.shape[:3], np.uint8)
    for marks, box in zip(inside, data.boxes.tolist(), strict=True):
        Box(*box).cut(marks)[...] = 1
    return inside


def _tiled_batches(config: RunConfig, split: Split, tile: int, replicas: int) -> TiledBatches:
    """Return batches of tiles; if there are masks, only of anomalies with a marked defect."""
    is_taken, masks = split.is_anomaly, split.data.masks
    if masks is not None:
        is_taken = is_taken & np.any(masks == DEFECT_PIXEL, axis=(1, 2))
        unmarked = int(split.is_anomaly.sum() - is_taken.sum())
        if unmarked:
            logger.warning("left out: %d defective pictures without a mask", unmarked)
    if not is_taken.any():
        raise UserError(
            "no anomaly of the train split is marked by a mask: add masks, remove all masks to "
            "have tiles chosen by their error, or leave out data.tile"
        )
    anomalies = split.data.take(np.flatnonzero(is_taken))
    chosen = choose_anomalies(
        anomalies.images, anomalies.kinds, len(split.normals), config.data, config.seed
    )
    anomalies = anomalies.take(chosen)
    return TiledBatches(
        split.normals,
        anomalies.images,
        config.train,
        config.seed,
        replicas,
        kinds=anomalies.kinds,
        tile=tile,
        clusters=config.data.tile_clusters,
        masks=anomalies.masks,
    )
