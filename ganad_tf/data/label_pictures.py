"""Reads folders in which every picture has a mask beside it, as KolektorSDD and KolektorSDD2 have.

`kos01/Part0.jpg` has the mask `kos01/Part0_label.bmp`; `train/10000.png` has `train/10000_GT.png`.
A picture is defective if its mask marks something.
"""

from collections import Counter
from pathlib import PurePosixPath

from ganad_station.images import UnreadableImageError
from ganad_tf.data.files import Files
from ganad_tf.data.labeled import UNASSIGNED
from ganad_tf.data.layouts import SPLIT_FOLDERS, picture_of_mask
from ganad_tf.data.listing import NORMAL, UNNAMED_DEFECT, Listing, Picture
from ganad_tf.data.masks import read_mask

MOST_OF_A_PART = 20
"""Pictures of a folder that is taken for one part, at most."""


def find_pairs(files: Files) -> dict[str, str]:
    """Return the mask of each picture, if at least half of the pictures have one beside them."""
    by_stem: dict[str, str] = {}
    for path in files.pictures:
        by_stem.setdefault(PurePosixPath(path).with_suffix("").as_posix(), path)
    pairs = {}
    for path in files.pictures:
        stem = picture_of_mask(path)
        picture = by_stem.get((PurePosixPath(path).parent / stem).as_posix()) if stem else None
        if picture is not None:
            pairs[picture] = path
    return pairs if len(files.pictures) - len(pairs) <= 2 * len(pairs) else {}


def read_pairs(files: Files, pairs: dict[str, str]) -> Listing:
    """List the pictures with masks beside them; each mask is opened."""
    pictures, notes = [], []
    folders = {path: PurePosixPath(path).parent.as_posix() for path in pairs}
    sizes = Counter(folders.values())
    is_part = len(sizes) > 1 and max(sizes.values()) <= MOST_OF_A_PART
    for path, mask in sorted(pairs.items()):
        try:
            is_defective = bool(read_mask(files.root / mask).any())
        except UnreadableImageError as error:
            notes.append(f"left out: {path}, since {error}")
            continue
        files.used.update((path, mask))
        split = SPLIT_FOLDERS.get(path.split("/", 1)[0].lower(), UNASSIGNED)
        pictures.append(
            Picture(
                files.root / path,
                path,
                UNNAMED_DEFECT if is_defective else NORMAL,
                split,
                files.root / mask if is_defective else None,
                folders[path] if is_part and not split else None,
            )
        )
    if any(picture.group for picture in pictures):
        notes.append("the pictures of each folder count as those of one part")
    return Listing(pictures, "a mask beside every picture, as in KolektorSDD", notes)
