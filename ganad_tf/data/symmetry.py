"""Measures whether pictures of good parts look alike when they are mirrored.

Training on mirrored pictures teaches the generator to reconstruct them, so that a mirrored print or
a part that lies the wrong way round is accepted. It is right only where the side does not matter.
"""

import logging

import numpy as np
from numpy.typing import NDArray

from ganad_tf.config import RunConfig
from ganad_tf.config.schema import MEASURED
from ganad_tf.data.near_duplicates import thumbnail
from ganad_tf.data.splits import Split

FEWEST = 8
"""Smallest number of pictures of good parts from which anything is concluded."""
MOST = 400
"""Largest number of pictures that are compared, evenly taken from all."""
CLEAR = 0.9
"""Fraction of the pictures from which on they are clearly not alike. Measured: labels in a fixed
place 1.0, handwritten threes .98, sneakers .98; handwritten zeros .89, commutators .80, magnetic
tiles .75, T-shirts .75, solar cells .70, noise .5."""
LIGHT_DEGREE = 3
"""Degree of the polynomial in row and column that is subtracted, so that light does not count."""

logger = logging.getLogger(__name__)


def fraction_worse_mirrored(
    thumbnails: NDArray[np.uint8], groups: NDArray[np.int64]
) -> float | None:
    """Return the fraction of pictures that resemble the others less when they are mirrored.

    The resemblance of two pictures is the correlation of their pixels, and that of a picture to the
    others is its mean over the pictures of other parts.

    Args:
        thumbnails: uint8 `(count, THUMBNAIL, THUMBNAIL)`, from `thumbnail`.
        groups: int64 `(count,)`; pictures of the same part have the same number.

    Returns:
        The fraction in [0, 1]; None for pictures of fewer than `FEWEST` parts.
    """
    if len(np.unique(groups)) < FEWEST:
        return None
    chosen = np.unique(np.linspace(0, len(groups) - 1, MOST).astype(int))
    plain, mirrored = (_structure(thumbnails[chosen][:, :, ::step]) for step in (1, -1))
    is_other = groups[chosen, np.newaxis] != groups[chosen]
    resemblances = [(each @ plain.T * is_other).sum(axis=1) for each in (plain, mirrored)]
    return float(np.mean(resemblances[1] < resemblances[0]))


def _structure(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return pictures as unit vectors, one per row, without what light makes of them."""
    height, width = pictures.shape[1:]
    row, column = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    degrees = range(LIGHT_DEGREE + 1)
    terms = [row**i * column**j for i in degrees for j in degrees if i + j <= LIGHT_DEGREE]
    basis, _ = np.linalg.qr(np.stack(terms, axis=-1).reshape(height * width, -1))
    vectors = pictures.reshape(len(pictures), -1).astype(np.float64)
    vectors -= vectors @ basis @ basis.T
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def may_be_mirrored(fraction: float | None) -> bool:
    """Decide on `train.flip` from the result of `fraction_worse_mirrored`."""
    return fraction is not None and fraction < CLEAR


def settle_flips(config: RunConfig, split: Split) -> RunConfig:
    """Replace the value `measured` of `train.flip` by what the good training pictures show.

    Args:
        config: The configuration of a run.
        split: Its train split.

    Returns:
        The configuration with `train.flip` true or false. If it is false, the score does not
        average mirrored views.
    """
    if config.train.flip != MEASURED:
        return config
    is_normal = ~split.is_anomaly
    grey = split.data.images[is_normal].mean(axis=3).astype(np.uint8)
    groups = split.data.groups[is_normal]
    fraction = fraction_worse_mirrored(np.stack([thumbnail(image) for image in grey]), groups)
    is_alike = may_be_mirrored(fraction)
    logger.info("%s (--flip or --no-flip decides otherwise)", describe(fraction))
    changes = {"train": {"flip": is_alike}}
    if not is_alike and config.score.views == 2:
        return config.derive(**changes, score={"views": 1})
    return config.derive(**changes)


def describe(fraction: float | None) -> str:
    """Say what was measured and what follows, in one line."""
    if fraction is None:
        return (
            f"there are good pictures of fewer than {FEWEST} parts, too few to measure whether "
            "they look alike mirrored: training does not mirror pictures"
        )
    found = f"{fraction:.0%} of the good pictures resemble the others less when they are mirrored"
    does = "mirrors" if may_be_mirrored(fraction) else "does not mirror"
    return f"{found}: training {does} pictures"
