"""The findings of a check."""

from dataclasses import dataclass
from typing import Literal

from ganad_tf.data.depth import DepthFacts


@dataclass(frozen=True)
class KindSummary:
    """The readable pictures of one kind.

    Attributes:
        count: Number of pictures.
        train: Number of pictures that the source assigns to train.
        test: Number of pictures that the source assigns to test.
        masks: Number of pictures with a good mask.
        brightness: Mean grey level of the pictures, averaged over them, 0 to 255.
        brightness_auroc: AUROC in [0, 1] of brightness alone as the score of this kind against
            normal pictures; None for the normal kind, without normal pictures, or if the
            difference is not significant.
        median_defect_share: Median over the masks of the fraction of pixels that they mark; None
            for the normal kind and without masks.
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
    """The parts that the readable pictures show.

    Attributes:
        grouped_by: `list` if the list names the groups, else `near-duplicates`.
        count: Number of parts.
        largest: Number of pictures of the part with the most pictures.
        shared: Number of pictures that show the same part as another picture.
        across_splits: For each part that the source assigns to train and to test, the names of one
            picture in train and of one in test.
    """

    grouped_by: Literal["list", "near-duplicates"]
    count: int
    largest: int
    shared: int
    across_splits: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DataFacts:
    """The findings of a check.

    Attributes:
        place: Path of the folder or list.
        layout: How the place was read, see `ganad_tf.data.listing.Listing.layout`.
        notes: What was decided when it was read, see `ganad_tf.data.listing.Listing.notes`.
        kinds: A summary of each kind by name, the normal kind first.
        heights: Smallest, median and largest height of a picture in pixels.
        widths: Smallest, median and largest width of a picture in pixels.
        color: Number of pictures with more than one grey channel.
        unreadable: Why a picture cannot be read, by the name of the picture.
        mask_problems: What is wrong with a mask, by the name of the picture.
        unlistable: Paths of folders that cannot be listed.
        left_out: Files that are not used, see `ganad_tf.data.listing.Listing.unread`.
        parts: A summary of the parts; None if no picture can be read.
        depth: The bits per channel, the white level, and files with several pages.
        black: Mean over the pictures of the fraction of pixels at 0, in the channel with the most.
        white: The same for 255, or for the white level of deep pictures.
        few_levels: Number of pictures by their number of levels, for those with so few that they
            were made from pictures with fewer bits.
        worse_mirrored: Fraction of the normal pictures that resemble the others less when they are
            mirrored, see `ganad_tf.data.symmetry`; None if they are too few.
        drift: Spearman's rank correlation, in [-1, 1], of the brightness of normal pictures with
            their order by name; None if there are few, or if it is not significant.
    """

    place: str
    layout: str
    notes: list[str]
    kinds: dict[str, KindSummary]
    heights: tuple[int, int, int]
    widths: tuple[int, int, int]
    color: int
    unreadable: dict[str, str]
    mask_problems: dict[str, str]
    unlistable: list[str]
    left_out: dict[str, int]
    parts: PartSummary | None
    depth: DepthFacts
    black: float
    white: float
    few_levels: dict[int, int]
    worse_mirrored: float | None
    drift: float | None

    @property
    def pictures(self) -> int:
        """Number of pictures that can be read."""
        return sum(kind.count for kind in self.kinds.values())
