"""What a check finds out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KindSummary:
    """The pictures of a kind.

    Attributes:
        count: How many can be read.
        train: Those that the source puts into train.
        test: Those that it puts into test.
        masks: Those with a good mask.
        brightness: Mean over the pictures of their mean grey level, 0 to 255.
        brightness_auroc: How well brightness alone tells the kind from normal pictures, in [0, 1];
            None for the normal kind, without normal pictures, or where it may be chance.
        median_defect_share: Median over the masks of the share of pixels that they mark, or None.
    """

    count: int
    train: int
    test: int
    masks: int
    brightness: float
    brightness_auroc: float | None
    median_defect_share: float | None


@dataclass(frozen=True)
class PartSummary:
    """The parts that near duplicates, and the groups of a list, make out.

    Attributes:
        count: How many parts.
        largest: Pictures of the part with most of them.
        shared: Pictures of parts with more than one.
        across_splits: Names of one picture each of two, of the same part, of which the source
            puts one into train and one into test.
    """

    count: int
    largest: int
    shared: int
    across_splits: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DataFacts:
    """What a check found.

    Attributes:
        place: The folder or list.
        kinds: A summary of each kind by name, the normal one first.
        heights: Smallest, median and largest height in pixels.
        widths: The same of the width.
        color: Pictures with more than grey.
        unreadable: Why each picture that cannot be read cannot, by name.
        mask_problems: What is wrong with masks, by the name of the picture.
        unlistable: Folders that cannot be listed.
        left_out: Files that are no pictures by their suffix, counted by suffix.
        parts: The parts, None where no picture can be read.
        drift: Spearman's correlation of brightness and place in the order of names, of the normal
            pictures; None if they are few, or it may be chance.
    """

    place: str
    kinds: dict[str, KindSummary]
    heights: tuple[int, int, int]
    widths: tuple[int, int, int]
    color: int
    unreadable: dict[str, str]
    mask_problems: dict[str, str]
    unlistable: list[str]
    left_out: dict[str, int]
    parts: PartSummary | None
    drift: float | None

    @property
    def pictures(self) -> int:
        """How many pictures can be read."""
        return sum(kind.count for kind in self.kinds.values())
