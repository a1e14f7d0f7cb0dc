"""Checks a folder or list of pictures as a whole."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganad_tf.data.depth import survey_depth
from ganad_tf.data.listing import NORMAL, Picture
from ganad_tf.data.parts import join_near_duplicates, number_parts
from ganad_tf.data.place import list_pictures
from ganad_tf.data.symmetry import FEWEST, fraction_worse_mirrored
from ganad_tf.data_check.facts import DataFacts, KindSummary, PartSummary
from ganad_tf.data_check.picture import PictureFacts, kinds_in_order, measure
from ganad_tf.data_check.sheet import choose_examples
from ganad_tf.errors import UserError
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.system.environment import cores

FEWEST_FOR_DRIFT = 20
"""Smallest number of normal pictures that a correlation is computed for."""
SIGNIFICANT = 1e-3
"""Largest p-value of a finding that is reported."""

Progress = Callable[[int, int], None]


def check_data(
    place: Path, progress: Progress | None = None
) -> tuple[DataFacts, list[PictureFacts]]:
    """Check each picture of a folder or list; each is decoded once, deep ones twice.

    Pictures that cannot be read and folders that cannot be listed are reported, and do not stop
    the check.

    Args:
        place: The folder or CSV file, see `ganad_tf.data.place.list_pictures`.
        progress: Called after each picture with the number of checked pictures and of all pictures.

    Returns:
        The findings, and the measurements of the readable pictures in the order of the listing;
        those that `choose_examples` chooses have previews.

    Raises:
        UserError: If the place is missing, is not a list, or has no pictures at all.
    """
    unlistable: list[str] = []
    listing = list_pictures(place, lambda error: unlistable.append(str(error.filename)))
    if not listing.pictures:
        where = place / NORMAL if place.is_dir() else place
        raise UserError(f"{place} has no pictures: put those of good parts into {where}")
    depth = survey_depth(listing.pictures)
    measured = _measure_all(listing.pictures, depth.white_level, progress)
    readable = [item for item in measured if item.problem is None]
    few = [item.few_levels for item in readable if item.few_levels is not None]
    heights, widths = (_spread([item.shape[axis] for item in readable]) for axis in (0, 1))
    groups = _groups(readable) if readable else np.zeros(0, np.int64)
    facts = DataFacts(
        place=str(place),
        layout=listing.layout,
        notes=listing.notes,
        kinds=_kinds(readable),
        heights=heights,
        widths=widths,
        color=sum(item.is_color for item in readable),
        unreadable={i.picture.name: i.problem for i in measured if i.problem is not None},
        mask_problems={
            i.picture.name: i.mask_problem for i in readable if i.mask_problem is not None
        },
        unlistable=sorted(unlistable),
        left_out=listing.unread,
        depth=depth,
        black=_mean([item.black for item in readable]),
        white=_mean([item.white for item in readable]),
        few_levels=dict(sorted(Counter(few).items())),
        parts=_parts(readable, groups) if readable else None,
        worse_mirrored=_worse_mirrored(readable, groups),
        drift=_drift(readable),
    )
    return facts, readable


def _measure_all(
    pictures: Sequence[Picture], white_level: int | None, progress: Progress | None
) -> list[PictureFacts]:
    examples, measured = choose_examples(pictures), []
    with_preview = [index in examples for index in range(len(pictures))]
    with ThreadPoolExecutor(cores()) as pool:
        results = pool.map(measure, pictures, with_preview, repeat(white_level))
        for done, facts in enumerate(results, start=1):
            measured.append(facts)
            if progress is not None:
                progress(done, len(pictures))
    return measured


def _mean(fractions: Sequence[float]) -> float:
    return float(np.mean(fractions)) if fractions else 0.0


def _spread(lengths: Sequence[int]) -> tuple[int, int, int]:
    """Return the smallest, the median and the largest length."""
    if not lengths:
        return 0, 0, 0
    return min(lengths), int(np.median(lengths)), max(lengths)


def _kinds(readable: Sequence[PictureFacts]) -> dict[str, KindSummary]:
    normal = _brightness(readable, NORMAL)
    names = kinds_in_order(item.picture for item in readable)
    return {name: _summary(readable, name, normal) for name in names}


def _summary(
    readable: Sequence[PictureFacts], kind: str, normal: NDArray[np.float64]
) -> KindSummary:
    items = [item for item in readable if item.picture.kind == kind]
    splits = Counter(item.picture.split for item in items)
    fractions = [item.defect_fraction for item in items if item.defect_fraction is not None]
    own = _brightness(readable, kind)
    brightness_auroc = None
    if kind != NORMAL and len(normal):
        is_anomaly = np.repeat([False, True], [len(normal), len(own)])
        if stats.mannwhitneyu(normal, own).pvalue < SIGNIFICANT:
            brightness_auroc = auroc(is_anomaly, np.concatenate([normal, own]))
    return KindSummary(
        len(items),
        splits["train"],
        splits["test"],
        len(fractions),
        float(own.mean()),
        brightness_auroc,
        float(np.median(fractions)) if fractions and kind != NORMAL else None,
    )


def _brightness(readable: Sequence[PictureFacts], kind: str) -> NDArray[np.float64]:
    return np.array([item.brightness for item in readable if item.picture.kind == kind])


def _drift(readable: Sequence[PictureFacts]) -> float | None:
    normal = _brightness(readable, NORMAL)
    if len(normal) < FEWEST_FOR_DRIFT or np.ptp(normal) == 0:
        return None
    found = stats.spearmanr(np.arange(len(normal)), normal)
    return float(found.statistic) if found.pvalue < SIGNIFICANT else None


def _is_listed(readable: Sequence[PictureFacts]) -> bool:
    return any(item.picture.group for item in readable)


def _groups(readable: Sequence[PictureFacts]) -> NDArray[np.int64]:
    """Group pictures by the list if it names groups, else by near duplicates, as training does."""
    pictures = [item.picture for item in readable]
    if _is_listed(readable):
        return number_parts(pictures, [picture.group for picture in pictures])
    thumbnails = [item.thumbnail for item in readable if item.thumbnail is not None]
    return join_near_duplicates(pictures, thumbnails, [item.shape for item in readable])


def _worse_mirrored(readable: Sequence[PictureFacts], groups: NDArray[np.int64]) -> float | None:
    normal = [index for index, item in enumerate(readable) if item.picture.kind == NORMAL]
    thumbnails = [item.thumbnail for item in readable if item.thumbnail is not None]
    if not normal:
        return None
    own = groups[normal]
    if len(np.unique(own)) < FEWEST:
        # Pictures that look the same in a fixed place are not exposures of one part.
        own = np.arange(len(normal))
    return fraction_worse_mirrored(np.stack(thumbnails)[normal], own)


def _parts(readable: Sequence[PictureFacts], groups: NDArray[np.int64]) -> PartSummary:
    sizes = np.bincount(groups)
    return PartSummary(
        "list" if _is_listed(readable) else "near-duplicates",
        len(sizes),
        int(sizes.max()),
        int(sizes[sizes > 1].sum()),
        _across_splits(readable, groups),
    )


def _across_splits(
    readable: Sequence[PictureFacts], groups: NDArray[np.int64]
) -> tuple[tuple[str, str], ...]:
    """Return a picture in train and one in test for each group that the source has in both."""
    first: dict[str, dict[int, str]] = {"train": {}, "test": {}}
    for item, group in zip(readable, groups.tolist(), strict=True):
        if item.picture.split in first:
            first[item.picture.split].setdefault(group, item.picture.name)
    return tuple(
        (name, first["test"][group])
        for group, name in first["train"].items()
        if group in first["test"]
    )
