"""Defects drawn onto normal images, for training before there are any real defects.

Scratches are thin curves, stains are blots of smooth noise, and patches are pieces of other normal
images (after Li et al., "CutPaste", CVPR 2021, and Zavrtanik et al., "DRAEM", ICCV 2021).
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from ganad_station.fitting import Box
from ganad_tf.data.batches.streams import SyntheticStream
from ganad_tf.data.labeled import DEFECT_PIXEL, UNASSIGNED, UNKNOWN_PIXEL, LabeledImages
from ganad_tf.data.splits import Split, Splits
from ganad_tf.errors import UserError

SCRATCH_LENGTHS = (0.08, 0.6)
"""Shortest and longest scratch, as fractions of the side of a square as large as the image."""
SCRATCH_WIDTHS = (1, 4)
"""Widths of scratches in pixels, from the first up to but not including the last."""
SCRATCH_STEPS, SCRATCH_TURN = 12, 0.35
"""Straight pieces of a scratch, and the standard deviation in radians of the turn between two."""
STAIN_SCALES = (0.01, 0.05)
"""Finest and coarsest outline of a blot, as fractions of that side."""
STAIN_AREAS = (0.0005, 0.02)
"""Smallest and largest blot, as fractions of the area of an image."""
CHANGES = (0.15, 0.6)
"""Smallest and largest fraction of its level that a pixel gets darker or brighter by."""
SMALLEST_DIFFERENCE = 8
"""Mean difference in levels between a pasted piece and what it covers, at least."""
ATTEMPTS = 20
"""Pieces that are tried before a stain takes the place of a patch."""
VISIBLE = 0.3
"""Opacity above which a pixel is marked as defective."""

Drawer = Callable[
    [NDArray[np.uint8], int, np.random.Generator], tuple[NDArray[np.uint8], NDArray[np.bool_]]
]
"""From normal images and the index of one of them to this one with a defect, and its mask."""


@dataclass(frozen=True, eq=False)
class SyntheticAnomalies:
    """Images with one drawn defect each.

    Attributes:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        masks: uint8 `(count, height, width)`, `DEFECT_PIXEL` where the defect is, 0 elsewhere.
        kinds: int64 `(count,)`, indices into `SYNTHETIC_KINDS`.
        sources: int64 `(count,)`, indices of the normal images that they are drawn onto.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    kinds: NDArray[np.int64]
    sources: NDArray[np.int64]


def synthesize(
    normals: NDArray[np.uint8], count: int, seed: int, boxes: NDArray[np.int64] | None = None
) -> SyntheticAnomalies:
    """Draw defects onto normal images, one defect onto each, the kinds in turn.

    Args:
        normals: uint8 `(images, height, width, channels)`, 0 to 255; at least one image.
        count: Number of anomalies to make.
        seed: Seed of all random choices.
        boxes: int64 `(images, 4)`, where the pictures are in the images, see `LabeledImages`; None
            if they fill them.
    """
    rng = np.random.default_rng(seed)
    drawers = list(SYNTHETIC_KINDS.values())
    order = np.concatenate(
        [rng.permutation(len(normals)) for _ in range(-(-count // len(normals)))]
    )
    kinds = np.arange(count) % len(drawers)
    drawn = [
        _draw(drawers[kind], normals, int(index), rng, boxes)
        for kind, index in zip(kinds, order[:count], strict=True)
    ]
    images, masks = (np.stack(arrays) for arrays in zip(*drawn, strict=True))
    masks = np.where(masks, DEFECT_PIXEL, 0).astype(np.uint8)
    return SyntheticAnomalies(images, masks, kinds, order[:count])


def _draw(
    drawer: Drawer,
    normals: NDArray[np.uint8],
    index: int,
    rng: np.random.Generator,
    boxes: NDArray[np.int64] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw a defect onto an image, inside the picture that it holds."""
    image, mask = drawer(normals, index, rng)
    if boxes is None:
        return image, mask
    box = Box(*boxes[index].tolist())
    while not box.cut(mask).any():
        image, mask = drawer(normals, index, rng)
    drawn, marked = normals[index].copy(), np.zeros_like(mask)
    box.cut(drawn)[...], box.cut(marked)[...] = box.cut(image), box.cut(mask)
    return drawn, marked


def add_synthetic(splits: Splits, source: str, seed: int) -> Splits:
    """Add synthetic anomalies to the splits that need them.

    With `both`, train gets as many synthetic anomalies as it has normal images, in addition to the
    labeled ones. With `synthetic`, they replace the labeled ones in train and in validation:
    without labeled anomalies there are none to choose a checkpoint on, either. Test keeps its
    labeled anomalies, and gets synthetic ones only if it has none.

    Args:
        splits: The splits, with labeled anomalies or without any.
        source: `labelled`, `synthetic` or `both`.
        seed: Seed of the run.

    Raises:
        UserError: If a split has no normal images to draw on.
    """
    if source == "labelled":
        return splits
    replaces = source == "synthetic"
    made = {"train": _with_synthetic("train", splits.train, replaces, seed)}
    if replaces:
        made["validation"] = _with_synthetic("validation", splits.validation, True, seed)
    if not splits.test.is_anomaly.any():
        made["test"] = _with_synthetic("test", splits.test, True, seed)
    return dataclasses.replace(splits, **made)


def _with_synthetic(name: str, split: Split, replaces: bool, seed: int) -> Split:
    """Add as many synthetic anomalies as there are normal images, or replace the labeled ones."""
    normals = split.normals
    if not len(normals):
        raise UserError(
            f"the {name} split has no normal images to draw synthetic anomalies on: add pictures "
            "of normal parts, or change the validation or test fraction, or how they are grouped"
        )
    kept = np.flatnonzero(~split.is_anomaly) if replaces else np.arange(len(split.data))
    data = split.data.take(kept)
    boxes = None if split.data.boxes is None else split.data.boxes[~split.is_anomaly]
    drawn = synthesize(normals, len(normals), seed + SyntheticStream[name.upper()], boxes)
    kind_names = np.array(list(SYNTHETIC_KINDS))[drawn.kinds]
    names = [f"{kind}/{number}" for number, kind in enumerate(kind_names)]
    joined = LabeledImages(
        np.concatenate([data.images, drawn.images]),
        np.concatenate([data.kinds, len(data.kind_names) + drawn.kinds]),
        (*data.kind_names, *SYNTHETIC_KINDS),
        np.concatenate([data.official_split, np.full(len(names), UNASSIGNED)]),
        np.concatenate([data.names, names]),
        np.concatenate([data.groups, data.groups.max() + 1 + np.arange(len(names))]),
        np.concatenate([_known_masks(data, split.normal_kind), drawn.masks]),
        _measured(data, len(names)),
        None if boxes is None else np.concatenate([data.boxes, boxes[drawn.sources]]),
    )
    return Split(joined, split.normal_kind)


def _known_masks(data: LabeledImages, normal_kind: int) -> NDArray[np.uint8]:
    """Return the masks; without any, 0 for normal images and `UNKNOWN_PIXEL` for anomalies."""
    if data.masks is not None:
        return data.masks
    masks = np.full(data.images.shape[:3], UNKNOWN_PIXEL, np.uint8)
    masks[data.kinds == normal_kind] = 0
    return masks


def _measured(data: LabeledImages, drawn: int) -> NDArray[np.float32] | None:
    """Add NaN for drawn images, which no camera took, to the measurements of loaded ones."""
    if data.measurements is None:
        return None
    return np.pad(data.measurements, ((0, drawn), (0, 0)), constant_values=np.nan)


def _scratch(
    normals: NDArray[np.uint8], index: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    shape = normals.shape[1:3]
    cover = _curve(shape, rng)
    while cover.max() < VISIBLE:  # It left the image.
        cover = _curve(shape, rng)
    return _tinted(normals[index], cover / cover.max(), rng)


def _curve(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    height, width = shape
    step = rng.uniform(*SCRATCH_LENGTHS) * _side(shape) / SCRATCH_STEPS
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, SCRATCH_TURN, SCRATCH_STEPS))
    path = (
        rng.uniform(0, (width, height))
        + step * np.cumsum([np.cos(angles), np.sin(angles)], axis=1).T
    )
    line = Image.new("L", (width, height))
    ImageDraw.Draw(line).line(path.ravel().tolist(), 255, int(rng.integers(*SCRATCH_WIDTHS)))
    return ndimage.gaussian_filter(np.asarray(line) / 255, rng.uniform(0.3, 0.9))


def _stain(
    normals: NDArray[np.uint8], index: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    return _tinted(normals[index], _blot(normals.shape[1:3], rng), rng)


def _patch(
    normals: NDArray[np.uint8], index: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    image = normals[index].astype(np.float64)
    # A quarter turn would give an image that is not a square another shape.
    quarter = 1 if image.shape[0] == image.shape[1] else 2
    for _ in range(ATTEMPTS):
        cover = _blot(image.shape[:2], rng)
        other = normals[rng.integers(len(normals))]
        turned = np.rot90(other, quarter * int(rng.integers(4 // quarter)))[:: rng.choice([-1, 1])]
        shift = tuple(rng.integers(0, image.shape[:2]))
        piece = np.roll(turned, shift, (0, 1)).astype(np.float64)
        differences = np.abs(piece - image)[cover > VISIBLE]
        if differences.mean() >= SMALLEST_DIFFERENCE:
            return _mixed(image, piece, cover)
    return _tinted(normals[index], _blot(image.shape[:2], rng), rng)


SYNTHETIC_KINDS: dict[str, Drawer] = {
    "synthetic scratch": _scratch,
    "synthetic stain": _stain,
    "synthetic patch": _patch,
}


def _side(shape: tuple[int, ...]) -> float:
    """Return the side of a square as large as an image of a height and width."""
    return math.sqrt(math.prod(shape))


def _blot(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a blot, the surroundings of a peak of noise.

    Returns:
        The opacity of each pixel, float64 `(height, width)` in [0, 1].
    """
    noise, side = rng.normal(0, 1, shape), _side(shape)
    smooth = ndimage.gaussian_filter(noise, rng.uniform(*STAIN_SCALES) * side, mode="reflect")
    area = np.exp(rng.uniform(*np.log(STAIN_AREAS)))
    row, column = rng.integers(0, shape)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    distance = np.hypot(rows - row, columns - column) / (np.sqrt(area / np.pi) * side)
    height = smooth / smooth.std() - distance
    level = np.quantile(height, 1 - area)
    cover = ndimage.gaussian_filter((height >= level).astype(np.float64), rng.uniform(0.3, 1.2))
    return cover / cover.max()


def _tinted(
    image: NDArray[np.uint8], cover: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Make the covered pixels darker or brighter, by a change that varies a little among them."""
    change = rng.choice([-1, 1]) * rng.uniform(*CHANGES)
    grain = 1 + 0.3 * ndimage.gaussian_filter(rng.normal(0, 1, cover.shape), 1)
    tint = image * (1 + change * grain[..., np.newaxis])
    return _mixed(image.astype(np.float64), tint, cover)


def _mixed(
    image: NDArray[np.float64], other: NDArray[np.float64], cover: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Blend another image into an image where it is covered, and return the mask of it, too."""
    weight = np.minimum(cover, 1)[..., np.newaxis]
    mixed = np.clip((1 - weight) * image + weight * other, 0, 255)
    return np.round(mixed).astype(np.uint8), cover > VISIBLE
