"""The entries of a list of pictures: their kinds, splits, masks and groups."""

from dataclasses import dataclass, field
from pathlib import Path

from ganad_tf.data.labeled import UNASSIGNED
from ganad_tf.data.regions import Regions

NORMAL = "normal"
NORMAL_NAMES = frozenset({NORMAL, "good", "ok"})
"""Names, in any case, of folders and classes that hold no defects."""
UNNAMED_DEFECT = "defect"
SPLITS = (UNASSIGNED, "train", "test")
MOST_UNREAD = 20
"""Entries of unread files that are listed in a message, at most."""
SHOWN = 3
"""Names that a note lists as examples, at most."""


@dataclass(frozen=True)
class Picture:
    """An entry of the listing: a file that shows a part.

    Attributes:
        path: Path of the file.
        name: Its path relative to the folder, or as it is written in the list.
        kind: `NORMAL`, or the name of the kind of defect.
        split: The prescribed split: `"train"`, `"test"`, or `UNASSIGNED`.
        mask: Where the defect is: path of a picture that is not 0 there, or regions; None if it is
            not known.
        group: Name of the part that the picture shows; None if the source names none.
    """

    path: Path
    name: str
    kind: str
    split: str = UNASSIGNED
    mask: Path | Regions | None = None
    group: str | None = None


@dataclass(frozen=True)
class Listing:
    """The pictures of a place, and how they were recognized.

    Attributes:
        pictures: The pictures, none of which is opened, in an order that depends on their names
            alone.
        layout: The layout or the format of annotations that was recognized, in words.
        notes: Sentences on what was decided, such as how many pictures without a region count as
            normal.
        unread: Files that are not used, and how many: the path of a single file, or a folder and a
            suffix such as `old/*.png`.
    """

    pictures: list[Picture]
    layout: str
    notes: list[str] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)


def is_normal_name(name: str) -> bool:
    """Tell whether a folder or a class of this name holds no defects."""
    return name.strip().lower() in NORMAL_NAMES


def describe_unread(unread: dict[str, int]) -> str:
    """Return the first entries of `Listing.unread` in words, and how many more there are."""
    entries = list(unread.items())
    listed = [f"{name} ({count})" if count > 1 else name for name, count in entries[:MOST_UNREAD]]
    more = sum(count for _, count in entries[MOST_UNREAD:])
    return ", ".join(listed) + (f" and {more} more files" if more else "")


def examples(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def in_words(pictures: list[str]) -> str:
    """Return how many pictures there are, and the first few of their names; "" for none."""
    count = len(pictures)
    return f"{count} picture{'s' if count > 1 else ''}, {examples(pictures)}" if count else ""
