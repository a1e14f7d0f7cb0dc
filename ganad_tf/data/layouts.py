"""Recognizes layouts of folders: which folder says what about the pictures in it.

- One folder per kind: `normal/` and one folder per kind of defect.
- Split as in MVTec AD (Bergmann et al., CVPR 2019), MVTec AD 2 and BTAD: `train/good`,
  `test/good`, `test/<kind>`, `ground_truth/<kind>`.
- VisA (Zou et al., ECCV 2022): `Data/Images/Normal`, `Data/Images/Anomaly`, `Data/Masks/Anomaly`.

Folders of good parts are named normal, good or ok, in any case. docs/data.md describes the layouts.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ganad_tf.data.files import MASK_FOLDERS, Files
from ganad_tf.data.labeled import UNASSIGNED
from ganad_tf.data.listing import NORMAL, Picture, is_normal_name

MASK_ENDINGS = ("_mask", "_label", "_gt")
VALIDATION = "validation"
SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
    **dict.fromkeys(("test", "testing", "test_public"), "test"),
}
"""The split that a folder names, in lower case."""
NO_KINDS = frozenset(
    {"images", "labels", "annotations", "jpegimages", "data", *SPLIT_FOLDERS, *MASK_FOLDERS}
)
"""Folders, in any case, that hold pictures or labels of all kinds."""
UNNAMED_KINDS = frozenset(
    {"defect", "defects", "defective", "bad", "ng", "nok", "ko", "faulty", "abnormal", "anomaly"}
)
"""Folders, in any case, that hold defects of any kind, so that labels may name the kind."""
VISA_IMAGES = ("data", "images")
VISA_SPLIT = "split_csv/1cls.csv"

Folders = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """A layout of folders.

    Attributes:
        name: What it is called in messages.
        start: Number of folders around the folder of a kind.
    """

    name: str
    start: int

    def holds(self, folders: Folders) -> bool:
        """Tell whether pictures in a folder have a kind in this layout."""
        around = tuple(name.lower() for name in folders[: self.start])
        if len(folders) <= self.start or folders[self.start].lower() in NO_KINDS:
            return False
        if self.start == 1:
            return around[0] in SPLIT_FOLDERS
        return self.start == 0 or around == VISA_IMAGES

    def holds_normal(self, folders: Folders) -> bool:
        """Tell whether a folder has normal pictures in this layout."""
        return self.holds(folders) and is_normal_name(folders[self.start])


SPLIT = Layout("folders for train and test, as in MVTec AD", 1)
KINDS = Layout("one folder per kind", 0)
VISA = Layout("folders of VisA", 2)
LAYOUTS = (SPLIT, KINDS, VISA)


def find_layout(files: Files) -> Layout | None:
    """Return the layout in which a folder has normal pictures, None if there is none."""
    folders = {_folders(path) for path in files.pictures}
    found = (layout for layout in LAYOUTS if any(map(layout.holds_normal, folders)))
    return next(found, None)


def find_data_sets(files: Files) -> list[str]:
    """Return the subfolders that are laid out as a data set each."""
    folders = {_folders(path) for path in files.pictures}
    holding = {
        names[0]
        for names in folders
        if names and any(layout.holds_normal(names[1:]) for layout in LAYOUTS)
    }
    return sorted(holding)


def read_layout(files: Files, layout: Layout) -> list[Picture]:
    """Return the pictures whose folders say their kind, and record that their files are used."""
    masks, official = _Masks(files), _visa_splits(files) if layout is VISA else {}
    pictures = []
    held = [path for path in files.pictures if layout.holds(_folders(path))]
    # A mask without a folder of its split is that of the test picture, as in MVTec AD.
    for path in sorted(held, key=lambda path: _split(path) != "test"):
        if masks.is_beside(path):
            continue
        folders = _folders(path)
        name = folders[layout.start]
        mask = masks.find(path, layout.start)
        files.used.update({path} if mask is None else {path, mask})
        pictures.append(
            Picture(
                files.root / path,
                path,
                NORMAL if is_normal_name(name) else name,
                official.get(path, _split(path) if layout is SPLIT else UNASSIGNED),
                None if mask is None else files.root / mask,
            )
        )
    is_test = {
        picture.name: layout is SPLIT and _split(picture.name) == "test" for picture in pictures
    }
    return sorted(pictures, key=lambda picture: (is_test[picture.name], picture.path))


def _split(path: str) -> str:
    return SPLIT_FOLDERS.get(path.split("/", 1)[0].lower(), UNASSIGNED)


def _folders(path: str) -> Folders:
    return tuple(path.split("/")[:-1])


class _Masks:
    """Finds the masks of pictures, in folders of masks and beside the pictures."""

    def __init__(self, files: Files) -> None:
        self._apart: dict[tuple[Folders, str], str] = {}
        self._beside: dict[tuple[Folders, str], str] = {}
        self._owner: dict[str, Folders] = {}
        for path in files.pictures:
            self._beside[_folders(path), PurePosixPath(path).stem] = path
        for path in files.masks:
            kept = tuple(name for name in _folders(path) if name.lower() not in MASK_FOLDERS)
            self._apart[kept, PurePosixPath(path).stem] = path

    def is_beside(self, path: str) -> bool:
        """Tell whether a picture is the mask of another beside it."""
        owner = picture_of_mask(path)
        return owner is not None and (_folders(path), owner) in self._beside

    def find(self, path: str, start: int) -> str | None:
        """Return the mask of a picture, given the number of folders around its kind."""
        folders, stem = _folders(path), PurePosixPath(path).stem
        without_split = folders[: max(0, start - 1)] + folders[start:]
        for place in (folders, without_split):
            for mask in _named_as_mask(self._apart, place, stem, with_stem=True):
                if self._owner.setdefault(mask, folders) == folders:
                    return mask
        return next(_named_as_mask(self._beside, folders, stem, with_stem=False), None)


def _named_as_mask(
    masks: dict[tuple[Folders, str], str], folders: Folders, stem: str, with_stem: bool
) -> Iterator[str]:
    for ending in ("", *MASK_ENDINGS) if with_stem else MASK_ENDINGS:
        for written in (ending, ending.upper()):
            if (folders, stem + written) in masks:
                yield masks[folders, stem + written]


def picture_of_mask(path: str) -> str | None:
    """Return the stem of the picture that a file is the mask of by its name, None if of none."""
    stem = PurePosixPath(path).stem
    for ending in MASK_ENDINGS:
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            return stem[: -len(ending)]
    return None


def _visa_splits(files: Files) -> dict[str, str]:
    """Return the splits of VisA, which lie beside the folders of its objects, by picture."""
    folder = files.root.absolute()
    try:
        text = (folder.parent / VISA_SPLIT).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
    prefix = f"{folder.name}/"
    return {
        row["image"].removeprefix(prefix): row["split"]
        for row in rows
        if (row.get("image") or "").startswith(prefix) and row.get("split") in ("train", "test")
    }


def prescribed_splits(pictures: Sequence[Picture], keeps_all: bool) -> dict[str, str]:
    """Return the split that is prescribed for each picture, by name.

    Pictures for validation are used for the test if there is no other test, else for training,
    which divides its pictures into train and validation itself. A split is prescribed for normal
    pictures only if there are some in train and some in test, and the same holds for defective
    ones: those of MVTec AD, which are all in test, are divided, unless all splits are to be kept.
    """
    has_test = any(picture.split == "test" for picture in pictures)
    meant = {VALIDATION: "train" if has_test else "test"}
    splits = {picture.name: meant.get(picture.split, picture.split) for picture in pictures}
    found: dict[bool, set[str]] = defaultdict(set)
    for picture in pictures:
        found[picture.kind == NORMAL].add(splits[picture.name])
    return {
        picture.name: splits[picture.name]
        if keeps_all or {"train", "test"} <= found[picture.kind == NORMAL]
        else UNASSIGNED
        for picture in pictures
    }
