"""Advises on the findings of a check, and proposes the settings to start with."""

from collections.abc import Sized
from typing import Any

from ganad_tf.config.defaults import FOLDER
from ganad_tf.data.folder import NEAR_DUPLICATES
from ganad_tf.data.listing import NORMAL, describe_unread
from ganad_tf.data.symmetry import may_be_mirrored
from ganad_tf.data_check.facts import DataFacts, KindSummary

FEWEST_OF_A_KIND = 3
"""Smallest number of pictures of a kind that fills train, validation and test."""
LARGEST_IMBALANCE = 10
"""Largest ratio between the pictures of two kinds that is not mentioned."""
LARGEST_BRIGHTNESS_AUROC = 0.8
"""Largest AUROC of brightness alone that is not mentioned."""
STRONG_DRIFT = 0.3
"""Largest rank correlation of brightness and order that is not mentioned."""
MOST_WHITE = 0.05
"""Largest fraction of the pixels at the white level that is not mentioned."""
SMALL_DEFECT = 0.02
"""A defect that covers less than this fraction of the picture is small."""
LARGEST_PART, SMALL_PART = 0.1, 3
"""Largest fraction of the pictures, and largest number, that may show one part; with more of them,
the splits cannot be balanced."""
SIZES, TILED_SIZES = (64, 128), (128, 256)
"""Image sizes that are proposed, for training on whole images and on tiles."""


def advise(facts: DataFacts) -> list[str]:
    """Return the findings that the user should act on, one or two sentences each."""
    return [
        *_on_files(facts),
        *_on_levels(facts),
        *_on_kinds(facts),
        *_on_brightness(facts),
        *_on_parts(facts),
    ]


def _on_files(facts: DataFacts) -> list[str]:
    found = []
    if facts.unreadable:
        found.append(
            f"{_count(facts.unreadable, 'picture')} cannot be read: repair or remove them, "
            "training skips such files"
        )
    if facts.unlistable:
        found.append(
            f"{_count(facts.unlistable, 'folder')} cannot be listed: change the permissions"
        )
    if facts.left_out:
        found.append(f"files that are not used: {describe_unread(facts.left_out)}")
    if facts.mask_problems:
        found.append(f"{_count(facts.mask_problems, 'mask')} not as expected: repair or remove")
    return found


def _on_levels(facts: DataFacts) -> list[str]:
    found = facts.depth.warnings
    if facts.white > MOST_WHITE:
        found.append(
            f"{facts.white:.0%} of the pixels are at the white level: what differs there is lost, "
            "so expose for a shorter time, unless it is the background"
        )
    if facts.few_levels:
        count, levels = sum(facts.few_levels.values()), max(facts.few_levels)
        found.append(
            f"{count} of {facts.pictures} pictures have gaps between their levels, of which there "
            f"are {levels} at most: they were made from pictures with fewer bits, or stretched; "
            "save what the camera gives"
        )
    return found


def _on_kinds(facts: DataFacts) -> list[str]:
    defects = _defects(facts)
    found = []
    if NORMAL not in facts.kinds:
        found.append(f"there are no normal pictures: put those of good parts into {NORMAL}/")
    if not defects:
        found.append(
            "there are no defective pictures: the proposed configuration draws synthetic ones; add "
            "real ones, in one folder per kind, to know how many are found"
        )
    few = [name for name, kind in defects.items() if kind.count < FEWEST_OF_A_KIND]
    if few:
        found.append(
            f"{', '.join(few)}: fewer than {FEWEST_OF_A_KIND} pictures, so not every split gets one"
        )
    good = facts.kinds.get(NORMAL)
    if good and good.train and good.test and not any(d.train or d.test for d in defects.values()):
        found.append(
            "the defects are for the test alone, as in MVTec AD: training takes a part of them, so "
            "figures cannot be compared with published ones, unless --protocol mvtec is given"
        )
    counts = [kind.count for kind in defects.values()]
    if counts and max(counts) > LARGEST_IMBALANCE * min(counts):
        found.append(
            f"the kinds have {min(counts)} to {max(counts)} pictures: judge the rare ones by "
            "their own AUROC"
        )
    small = _small_defects(facts)
    if small:
        found.append(
            f"{', '.join(small)}: half of the defects cover less than {SMALL_DEFECT:.0%} of the "
            "picture, so the error of the whole picture may not show them: train with --tile"
        )
    return found


def _on_brightness(facts: DataFacts) -> list[str]:
    found = []
    separated = [
        name
        for name, kind in _defects(facts).items()
        if kind.brightness_auroc is not None
        and max(kind.brightness_auroc, 1 - kind.brightness_auroc) > LARGEST_BRIGHTNESS_AUROC
    ]
    if separated:
        found.append(
            f"{', '.join(separated)}: mean brightness alone separates them from normal "
            "pictures; if only the light differed, the detector will learn the light"
        )
    if facts.drift is not None and abs(facts.drift) > STRONG_DRIFT:
        way = "brighter" if facts.drift > 0 else "darker"
        found.append(
            f"normal pictures get {way} in the order of their names (rank correlation "
            f"{facts.drift:+.2f}): check light and exposure"
        )
    return found


def _on_parts(facts: DataFacts) -> list[str]:
    parts, found = facts.parts, []
    if parts is None or not parts.shared:
        return []
    if parts.across_splits:
        pairs = "; ".join(f"{train} and {test}" for train, test in parts.across_splits[:3])
        verb = "are" if parts.grouped_by == "list" else "seem to be"
        found.append(f"{len(parts.across_splits)} parts {verb} both in train and in test: {pairs}")
    if parts.grouped_by == "list":
        return found  # Training keeps the groups of a list together.
    if _can_group(facts):
        found.append(
            f"{parts.shared} pictures show the same part as another picture: train with --group-by "
            f"{NEAR_DUPLICATES}, or group by name, so that no part is in both train and test"
        )
    else:
        found.append(
            f"{parts.largest} of {facts.pictures} pictures are too similar to tell parts apart: "
            "if a part has several pictures, use --group-by with a pattern that matches its name"
        )
    return found


def propose(facts: DataFacts) -> dict[str, Any]:
    """Return the settings to start with, by section and name as in a configuration file."""
    median, has_small = min(facts.heights[1], facts.widths[1]), bool(_small_defects(facts))
    sizes = TILED_SIZES if has_small else SIZES
    size = next((size for size in sizes if median <= size), sizes[-1])
    data = {"dataset": FOLDER, "data_dir": facts.place, "size": size}
    if has_small:
        data["tile"] = size // 2
    if facts.depth.white_level is not None:
        data["levels"] = facts.depth.white_level
    parts = facts.parts
    if parts and parts.grouped_by == NEAR_DUPLICATES and parts.shared and _can_group(facts):
        data["group_by"] = NEAR_DUPLICATES
    if not _defects(facts):
        data["anomaly_source"] = "synthetic"
    return {"data": data, "train": {"flip": may_be_mirrored(facts.worse_mirrored)}}


def _can_group(facts: DataFacts) -> bool:
    """Tell whether every part is small enough for balanced splits."""
    most = max(SMALL_PART, LARGEST_PART * facts.pictures)
    return facts.parts is not None and facts.parts.largest <= most


def _count(items: Sized, noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _small_defects(facts: DataFacts) -> list[str]:
    """Return the kinds where at least half of the masked defects are small."""
    medians = {name: kind.median_defect_share for name, kind in _defects(facts).items()}
    return [
        name for name, median in medians.items() if median is not None and median < SMALL_DEFECT
    ]


def _defects(facts: DataFacts) -> dict[str, KindSummary]:
    return {name: kind for name, kind in facts.kinds.items() if name != NORMAL}
