"""How well error maps locate the defects that masks mark: pixel AUROC and AUPRO.

Pixel errors are sorted into bins of equal pixel count, so that the figures of resampled images need
no sorting. A pixel is compared with all pixels outside its own bin, which changes an area by at
most half the fraction of normal pixels in a bin, 1 / (2 * BINS).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganad_station.fitting import Box
from ganad_tf.data.labeled import DEFECT_PIXEL
from ganad_tf.data.masks import label_regions
from ganad_tf.data.splits import Split
from ganad_tf.evaluation.intervals import Estimate
from ganad_tf.evaluation.resampling import interval_of_pixels, resampled

BINS = 4096
AUPRO_LIMIT = 0.3


@dataclass(frozen=True)
class Localization:
    """Figures of error maps, each with its 95 % interval over parts.

    Attributes:
        pixel_auroc: Area under the ROC curve of all pixels, in [0, 1].
        aupro: Area under the curve of per-region overlap against the false-positive rate of pixels,
            up to a rate of .3, divided by .3 (Bergmann et al., "The MVTec anomaly detection
            dataset", IJCV 2021). Each connected region of defect pixels has the same weight.
        pictures: Number of defective images with a mask.
    """

    pixel_auroc: Estimate
    aupro: Estimate
    pictures: int


@dataclass(frozen=True, eq=False)
class _Histograms:
    """Histograms of the pixel errors of each image, from the largest errors to the smallest.

    Attributes:
        normal: float64 `(count, BINS)`, number of normal pixels.
        defect: float64 `(count, BINS)`, number of defect pixels.
        overlap: float64 `(count, BINS)`, fraction of each region in the bin, summed over regions.
        regions: float64 `(count,)`, number of regions.
    """

    normal: NDArray[np.float64]
    defect: NDArray[np.float64]
    overlap: NDArray[np.float64]
    regions: NDArray[np.float64]


def localize(maps: NDArray[np.float32], split: Split) -> Localization | None:
    """Measure error maps against the masks of a split.

    Args:
        maps: float32 `(count, height, width)`, larger where more anomalous.
        split: The images of the maps, all with masks that have no unknown pixels.

    Returns:
        The figures; None if there are no masks, no defect pixels or no normal pixels.
    """
    if split.data.masks is None:
        return None
    is_defect = split.data.masks == DEFECT_PIXEL
    if not is_defect.any() or is_defect.all():
        return None
    histograms = _count(maps, is_defect, split.data.boxes)
    everything = np.ones(len(maps))
    draws = [
        _figures(histograms, np.bincount(chosen, minlength=len(maps)))
        for chosen in resampled(split.is_anomaly, split.data.groups)
    ]
    parts = len(np.unique(split.data.groups[is_defect.any(axis=(1, 2))]))
    pixel_auroc, aupro = (
        interval_of_pixels(value, values, parts)
        for value, values in zip(
            _figures(histograms, everything), zip(*draws, strict=True), strict=True
        )
    )
    return Localization(pixel_auroc, aupro, int(is_defect.any(axis=(1, 2)).sum()))


def _count(
    maps: NDArray[np.float32], is_defect: NDArray[np.bool_], boxes: NDArray[np.int64] | None
) -> _Histograms:
    edges = np.unique(np.quantile(maps, np.arange(1, BINS) / BINS))
    whole = [(0, 0, *maps.shape[1:])] * len(maps)
    places = [Box(*box) for box in (whole if boxes is None else boxes.tolist())]
    rows = [
        _count_picture(box.cut(error), box.cut(defect), edges)
        for box, error, defect in zip(places, maps, is_defect, strict=True)
    ]
    normal, defects, overlap, regions = zip(*rows, strict=True)
    return _Histograms(np.stack(normal), np.stack(defects), np.stack(overlap), np.array(regions))


def _count_picture(
    errors: NDArray[np.float32], is_defect: NDArray[np.bool_], edges: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Return the rows of an image in `_Histograms`."""
    bins = len(edges) - np.searchsorted(edges, errors, side="right")
    labels, regions = label_regions(is_defect)
    fractions = 1 / np.bincount(labels.ravel())[labels[is_defect]]
    size = len(edges) + 1
    return (
        np.bincount(bins[~is_defect], minlength=size).astype(np.float64),
        np.bincount(bins[is_defect], minlength=size).astype(np.float64),
        np.bincount(bins[is_defect], fractions, size).astype(np.float64),
        float(regions),
    )


def _figures(histograms: _Histograms, counts: NDArray[np.number]) -> tuple[float, float]:
    """Return pixel AUROC and AUPRO of a resample in which each image occurs `counts` times."""
    normal, defect, overlap = (
        counts @ values for values in (histograms.normal, histograms.defect, histograms.overlap)
    )
    false_positives = np.concatenate([[0.0], np.cumsum(normal)]) / normal.sum()
    true_positives = np.concatenate([[0.0], np.cumsum(defect)]) / defect.sum()
    overlaps = np.concatenate([[0.0], np.cumsum(overlap)]) / (counts @ histograms.regions)
    area = float(np.trapezoid(true_positives, false_positives))
    inside = false_positives < AUPRO_LIMIT
    rates = np.append(false_positives[inside], AUPRO_LIMIT)
    last = np.interp(AUPRO_LIMIT, false_positives, overlaps)
    return area, float(np.trapezoid(np.append(overlaps[inside], last), rates)) / AUPRO_LIMIT
