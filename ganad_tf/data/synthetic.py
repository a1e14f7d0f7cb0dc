"""Defects drawn onto pictures of good parts, for training before there are any real ones.

Scratches are thin curves, stains are blots of smooth noise, and patches are pieces of other good
pictures (after Li et al., "CutPaste", CVPR 2021, and Zavrtanik et al., "DRAEM", ICCV 2021).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from ganad_tf.data.labeled import DEFECT_PIXEL, UNASSIGNED, UNKNOWN_PIXEL, LabeledImages
from ganad_tf.data.splits import Split, Splits

SCRATCH_LENGTHS, SCRATCH_WIDTHS, SCRATCH_TURN = (0.08, 0.6), (1, 4), 0.35
SCRATCH_STEPS = 12
STAIN_SCALES, STAIN_SHARES = (0.01, 0.05), (0.0005, 0.02)
CHANGES = (0.15, 0.6)
"""Share of a level that a defect is darker or brighter by."""
SMALLEST_DIFFERENCE = 8
"""Levels that a pasted piece differs by on average, at least: others nobody could see."""
ATTEMPTS = 20
VISIBLE = 0.3

Drawer = Callable[
    [NDArray[np.uint8], int, np.random.Generator], tuple[NDArray[np.uint8], NDArray[np.bool_]]
]
"""From good pictures and the number of one of them to it with a defect, and where that is."""


@dataclass(frozen=True, eq=False)
class SyntheticAnomalies:
    """Pictures with a drawn defect each.

    Attributes:
        images: uint8 `(count, size, size, channels)`, 0 to 255.
        masks: uint8 `(count, size, size)`, `DEFECT_PIXEL` where the defect is.
        kinds: int64 `(count,)`, indices into `SYNTHETIC_KINDS`.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    kinds: NDArray[np.int64]


def synthesize(normals: NDArray[np.uint8], count: int, seed: int) -> SyntheticAnomalies:
    """Draw a defect onto good pictures, the kinds in turn.

    Args:
        normals: uint8 `(pictures, size, size, channels)`, 0 to 255.
        count: Pictures to make.
        seed: Seed of all that is random.
    """
    rng = np.random.default_rng(seed)
    drawers = list(SYNTHETIC_KINDS.values())
    order = np.concatenate(
        [rng.permutation(len(normals)) for _ in range(-(-count // len(normals)))]
    )
    kinds = np.arange(count) % len(drawers)
    drawn = [
        drawers[kind](normals, int(index), rng)
        for kind, index in zip(kinds, order[:count], strict=True)
    ]
    images, masks = (np.stack(part) for part in zip(*drawn, strict=True))
    return SyntheticAnomalies(images, np.where(masks, DEFECT_PIXEL, 0).astype(np.uint8), kinds)


def add_synthetic(splits: Splits, source: str, seed: int) -> Splits:
    """Give splits the synthetic anomalies that a source of anomalies asks for.

    Train gets as many as it has normal images, beside the labelled ones or in their place. So does
    validation in their place: without labelled anomalies there are none to choose a checkpoint
    on, either. Test gets some only where it has no labelled ones.

    Args:
        splits: The splits with labelled anomalies, or without any.
        source: `labelled`, `synthetic` or `both`.
        seed: Seed of the drawing.
    """
    if source == "labelled":
        return splits
    is_only = source == "synthetic"
    validation, test = splits.validation, splits.test
    return Splits(
        _with_synthetic(splits.train, keeps_labelled=not is_only, seed=seed),
        _with_synthetic(validation, False, seed + 1) if is_only else validation,
        test if test.is_anomaly.any() else _with_synthetic(test, False, seed + 2),
    )


def _with_synthetic(split: Split, keeps_labelled: bool, seed: int) -> Split:
    kept = np.arange(len(split.data)) if keeps_labelled else np.flatnonzero(~split.is_anomaly)
    data, drawn = split.data.take(kept), synthesize(split.normals, len(split.normals), seed)
    names = [
        f"{name}/{number}"
        for number, name in enumerate(np.array(list(SYNTHETIC_KINDS))[drawn.kinds])
    ]
    joined = LabeledImages(
        np.concatenate([data.images, drawn.images]),
        np.concatenate([data.kinds, len(data.kind_names) + drawn.kinds]),
        (*data.kind_names, *SYNTHETIC_KINDS),
        np.concatenate([data.official_split, np.full(len(names), UNASSIGNED)]),
        np.concatenate([data.names, names]),
        np.concatenate([data.groups, data.groups.max() + 1 + np.arange(len(names))]),
        np.concatenate([_known_masks(data, split.normal_kind), drawn.masks]),
    )
    return Split(joined, split.normal_kind)


def _known_masks(data: LabeledImages, normal_kind: int) -> NDArray[np.uint8]:
    """Return the masks, of which nothing is known but for normal images where there are none."""
    if data.masks is not None:
        return data.masks
    masks = np.full(data.images.shape[:3], UNKNOWN_PIXEL, np.uint8)
    masks[data.kinds == normal_kind] = 0
    return masks


def _scratch(
    normals: NDArray[np.uint8], index: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    size = normals.shape[1]
    cover = _curve(size, rng)
    while cover.max() < VISIBLE:  # It left the picture.
        cover = _curve(size, rng)
    return _tinted(normals[index], cover / cover.max(), rng)


def _curve(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    step = rng.uniform(*SCRATCH_LENGTHS) * size / SCRATCH_STEPS
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, SCRATCH_TURN, SCRATCH_STEPS))
    path = rng.uniform(0, size, 2) + step * np.cumsum([np.cos(angles), np.sin(angles)], axis=1).T
    line = Image.new("L", (size, size))
    ImageDraw.Draw(line).line(path.ravel().tolist(), 255, int(rng.integers(*SCRATCH_WIDTHS)))
    return ndimage.gaussian_filter(np.asarray(line) / 255, rng.uniform(0.3, 0.9))


def _stain(
    normals: NDArray[np.uint8], index: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    return _tinted(normals[index], _blot(normals.shape[1], rng), rng)


def _patch(
    normals: NDArray[np.uint8], index: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    image = normals[index].astype(np.float64)
    for _ in range(ATTEMPTS):
        cover = _blot(len(image), rng)
        other = normals[rng.integers(len(normals))]
        turned = np.rot90(other, int(rng.integers(4)))[:: rng.choice([-1, 1])]
        shift = tuple(rng.integers(0, len(image), 2))
        piece = np.roll(turned, shift, (0, 1)).astype(np.float64)
        differences = np.abs(piece - image)[cover > VISIBLE]
        if differences.mean() >= SMALLEST_DIFFERENCE:
            return _mixed(image, piece, cover)
    return _tinted(normals[index], _blot(len(image), rng), rng)


SYNTHETIC_KINDS: dict[str, Drawer] = {
    "synthetic scratch": _scratch,
    "synthetic stain": _stain,
    "synthetic patch": _patch,
}


def _blot(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how much a blot covers each pixel, in [0, 1]: the surroundings of a peak of noise."""
    noise = rng.normal(0, 1, (size, size))
    smooth = ndimage.gaussian_filter(noise, rng.uniform(*STAIN_SCALES) * size, mode="reflect")
    share = np.exp(rng.uniform(*np.log(STAIN_SHARES)))
    row, column = rng.integers(0, size, 2)
    rows, columns = np.ogrid[:size, :size]
    distance = np.hypot(rows - row, columns - column) / (np.sqrt(share / np.pi) * size)
    height = smooth / smooth.std() - distance
    level = np.quantile(height, 1 - share)
    cover = ndimage.gaussian_filter((height >= level).astype(np.float64), rng.uniform(0.3, 1.2))
    return cover / cover.max()


def _tinted(
    image: NDArray[np.uint8], cover: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Make the covered pixels darker or brighter, by a change that varies over them a little."""
    change = rng.choice([-1, 1]) * rng.uniform(*CHANGES)
    grain = 1 + 0.3 * ndimage.gaussian_filter(rng.normal(0, 1, cover.shape), 1)
    tint = image * (1 + change * grain[..., np.newaxis])
    return _mixed(image.astype(np.float64), tint, cover)


def _mixed(
    image: NDArray[np.float64], other: NDArray[np.float64], cover: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the picture with another where it is covered, and a mask of where it is."""
    weight = np.minimum(cover, 1)[..., np.newaxis]
    mixed = np.clip((1 - weight) * image + weight * other, 0, 255)
    return np.round(mixed).astype(np.uint8), cover > VISIBLE
