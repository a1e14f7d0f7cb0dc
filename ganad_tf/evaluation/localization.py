"""How well error maps show where the defects are, against masks: pixel AUROC and AUPRO.

Errors are sorted into bins that hold as many pixels each, so that figures of resampled pictures
take no sorting. A pixel is compared with all others but those of its bin, which changes an
area by at most half the share of normal pixels in a bin, 1 / (2 * BINS).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganad_tf.data.labeled import DEFECT_PIXEL
from ganad_tf.data.masks import label_regions
from ganad_tf.evaluation.metrics import Estimate, percentile_interval, resampled

BINS = 4096
AUPRO_LIMIT = 0.3


@dataclass(frozen=True)
class Localization:
    """Figures of error maps, each with its 95 % bootstrap interval over parts.

    Attributes:
        pixel_auroc: Area under the ROC curve of pixels, in [0, 1].
        aupro: Area under the curve of per-region overlap against the false-positive rate of pixels,
            up to a rate of .3, divided by .3 (Bergmann et al., "The MVTec anomaly detection
            dataset", IJCV 2021): each region of defect pixels that touch counts the same.
        pictures: Defective pictures with a mask.
    """

    pixel_auroc: Estimate
    aupro: Estimate
    pictures: int


@dataclass(frozen=True, eq=False)
class _Histograms:
    """Per picture and bin, from the largest errors to the smallest, float64 `(pictures, BINS)`.

    Attributes:
        normal: Pixels that are normal.
        defect: Pixels that are defective.
        overlap: Sum over regions of the share of the region.
        regions: Regions of each picture, `(pictures,)`.
    """

    normal: NDArray[np.float64]
    defect: NDArray[np.float64]
    overlap: NDArray[np.float64]
    regions: NDArray[np.float64]


def localize(
    maps: NDArray[np.float32],
    masks: NDArray[np.uint8],
    is_anomaly: NDArray[np.bool_],
    parts: NDArray[np.int64],
) -> Localization | None:
    """Measure error maps.

    Args:
        maps: float32 `(count, height, width)`, larger where more anomalous.
        masks: uint8 of the same shape, see `ganad_tf.data.labeled.LabeledImages`; no pixel unknown.
        is_anomaly: bool `(count,)`.
        parts: int64 `(count,)`, the part that each picture shows.

    Returns:
        The figures; None if no picture has both, or there are no normal pixels.
    """
    is_defect = masks == DEFECT_PIXEL
    if not is_defect.any() or is_defect.all():
        return None
    histograms = _count(maps, is_defect)
    everything = np.ones(len(maps))
    draws = [
        _figures(histograms, np.bincount(chosen, minlength=len(maps)))
        for chosen in resampled(is_anomaly, parts)
    ]
    pixel_auroc, aupro = (
        Estimate(value, *percentile_interval(values))
        for value, values in zip(
            _figures(histograms, everything), zip(*draws, strict=True), strict=True
        )
    )
    return Localization(pixel_auroc, aupro, int(is_defect.any(axis=(1, 2)).sum()))


def _count(maps: NDArray[np.float32], is_defect: NDArray[np.bool_]) -> _Histograms:
    edges = np.unique(np.quantile(maps, np.arange(1, BINS) / BINS))
    rows = [
        _count_picture(error, defect, edges) for error, defect in zip(maps, is_defect, strict=True)
    ]
    normal, defects, overlap, regions = zip(*rows, strict=True)
    return _Histograms(np.stack(normal), np.stack(defects), np.stack(overlap), np.array(regions))


def _count_picture(
    errors: NDArray[np.float32], is_defect: NDArray[np.bool_], edges: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Return a picture's rows of `_Histograms`."""
    bins = len(edges) - np.searchsorted(edges, errors, side="right")
    labels, regions = label_regions(is_defect)
    shares = 1 / np.bincount(labels.ravel())[labels[is_defect]]
    size = len(edges) + 1
    return (
        np.bincount(bins[~is_defect], minlength=size).astype(np.float64),
        np.bincount(bins[is_defect], minlength=size).astype(np.float64),
        np.bincount(bins[is_defect], shares, size).astype(np.float64),
        float(regions),
    )


def _figures(histograms: _Histograms, counts: NDArray[np.number]) -> tuple[float, float]:
    """Return pixel AUROC and AUPRO of the pictures, each as often as `counts` says."""
    normal, defect, overlap = (
        counts @ part for part in (histograms.normal, histograms.defect, histograms.overlap)
    )
    false_positives = np.concatenate([[0.0], np.cumsum(normal)]) / normal.sum()
    true_positives = np.concatenate([[0.0], np.cumsum(defect)]) / defect.sum()
    overlaps = np.concatenate([[0.0], np.cumsum(overlap)]) / (counts @ histograms.regions)
    area = float(np.trapezoid(true_positives, false_positives))
    inside = false_positives < AUPRO_LIMIT
    rates = np.append(false_positives[inside], AUPRO_LIMIT)
    last = np.interp(AUPRO_LIMIT, false_positives, overlaps)
    return area, float(np.trapezoid(np.append(overlaps[inside], last), rates)) / AUPRO_LIMIT
