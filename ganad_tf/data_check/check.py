"""The check of a folder or list of pictures, as a whole."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganad_station.images import IMAGE_SUFFIXES
from ganad_tf.data.listing import NORMAL, list_pictures
from ganad_tf.data.parts import join_near_duplicates
from ganad_tf.data_check.facts import DataFacts, KindSummary, PartSummary
from ganad_tf.data_check.inspection import Inspection, inspect
from ganad_tf.errors import UserError
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.system.environment import cores

FEWEST_FOR_DRIFT, CHANCE = 20, 1e-3

Progress = Callable[[int, int], None]


def check_data(place: Path, progress: Progress | None = None) -> tuple[DataFacts, list[Inspection]]:
    """Look at every picture of a folder or list.

    What cannot be read or listed is reported and stops nothing.

    Args:
        place: The folder or CSV file, see `ganad_tf.data.listing.list_pictures`.
        progress: Called with the numbers of pictures looked at and to look at.

    Returns:
        What was found, and the pictures that can be read, in the order of the listing.

    Raises:
        UserError: If the place is missing, is no list, or has no pictures at all.
    """
    unlistable: list[str] = []
    pictures = list_pictures(place, lambda error: unlistable.append(str(error.filename)))
    if not pictures:
        where = place / NORMAL if place.is_dir() else place
        raise UserError(f"{place} has no pictures: put those of good parts into {where}")
    inspections = []
    with ThreadPoolExecutor(cores()) as pool:
        for done, inspection in enumerate(pool.map(inspect, pictures), start=1):
            inspections.append(inspection)
            if progress is not None:
                progress(done, len(pictures))
    readable = [item for item in inspections if item.problem is None]
    heights, widths = (_spread([item.shape[side] for item in readable]) for side in (0, 1))
    facts = DataFacts(
        place=str(place),
        kinds=_kinds(readable),
        heights=heights,
        widths=widths,
        color=sum(item.color for item in readable),
        unreadable={i.picture.name: i.problem for i in inspections if i.problem is not None},
        mask_problems={
            i.picture.name: i.mask_problem for i in readable if i.mask_problem is not None
        },
        unlistable=sorted(unlistable),
        left_out=_left_out(place),
        parts=_parts(readable) if readable else None,
        drift=_drift(readable),
    )
    return facts, readable


def _spread(lengths: Sequence[int]) -> tuple[int, int, int]:
    if not lengths:
        return 0, 0, 0
    return min(lengths), int(np.median(lengths)), max(lengths)


def _kinds(readable: Sequence[Inspection]) -> dict[str, KindSummary]:
    names = {item.picture.kind for item in readable}
    normal = _brightness(readable, NORMAL)
    in_order = sorted(names, key=lambda name: (name != NORMAL, name))
    return {name: _summary(readable, name, normal) for name in in_order}


def _summary(readable: Sequence[Inspection], kind: str, normal: NDArray[np.float64]) -> KindSummary:
    items = [item for item in readable if item.picture.kind == kind]
    splits = Counter(item.picture.split for item in items)
    shares = [item.defect_share for item in items if item.defect_share is not None]
    own = _brightness(readable, kind)
    told = None
    if kind != NORMAL and len(normal):
        is_anomaly = np.repeat([False, True], [len(normal), len(own)])
        if stats.mannwhitneyu(normal, own).pvalue < CHANCE:
            told = auroc(is_anomaly, np.concatenate([normal, own]))
    return KindSummary(
        len(items),
        splits["train"],
        splits["test"],
        len(shares),
        float(own.mean()),
        told,
        float(np.median(shares)) if shares and kind != NORMAL else None,
    )


def _brightness(readable: Sequence[Inspection], kind: str) -> NDArray[np.float64]:
    return np.array([item.brightness for item in readable if item.picture.kind == kind])


def _drift(readable: Sequence[Inspection]) -> float | None:
    normal = _brightness(readable, NORMAL)
    if len(normal) < FEWEST_FOR_DRIFT or np.ptp(normal) == 0:
        return None
    found = stats.spearmanr(np.arange(len(normal)), normal)
    return float(found.statistic) if found.pvalue < CHANCE else None


def _parts(readable: Sequence[Inspection]) -> PartSummary:
    groups = join_near_duplicates(
        [item.picture for item in readable],
        [item.thumbnail for item in readable if item.thumbnail is not None],
        [item.shape for item in readable],
    )
    sizes = np.bincount(groups)
    return PartSummary(
        len(sizes), int(sizes.max()), int(sizes[sizes > 1].sum()), _across(readable, groups)
    )


def _across(
    readable: Sequence[Inspection], groups: NDArray[np.int64]
) -> tuple[tuple[str, str], ...]:
    """Return a pair of names of each group that the source puts into train and into test."""
    first: dict[str, dict[int, str]] = {"train": {}, "test": {}}
    for item, group in zip(readable, groups.tolist(), strict=True):
        if item.picture.split in first:
            first[item.picture.split].setdefault(group, item.picture.name)
    return tuple(
        (name, first["test"][group])
        for group, name in first["train"].items()
        if group in first["test"]
    )


def _left_out(place: Path) -> dict[str, int]:
    """Count the files of a folder that are no pictures by their suffix."""
    suffixes: Counter[str] = Counter()
    if place.is_dir():
        for _, folders, files in os.walk(place):
            folders[:] = [name for name in folders if not name.startswith(".")]
            shown = (Path(name).suffix.lower() for name in files if not name.startswith("."))
            suffixes.update(suffix for suffix in shown if suffix not in IMAGE_SUFFIXES)
    return dict(sorted(suffixes.items()))
