"""Reads whatever annotations a folder holds, and tells what they say about its pictures."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ganad_tf.data.annotations import coco, cvat, label_studio, labelme, voc, yolo
from ganad_tf.data.annotations.labels import Documents, Labels
from ganad_tf.data.files import Files
from ganad_tf.data.listing import NORMAL, in_words, is_normal_name
from ganad_tf.data.regions import Regions
from ganad_tf.errors import UserError


@dataclass(frozen=True)
class Format:
    """A format of annotations.

    Attributes:
        name: What it is called in messages.
        read: Returns the labels in the files of a folder; none if no file has the format. A file
            that has it but is damaged is a `UserError`.
        has_file_per_picture: Whether each picture has a file of its own, so that one without
            regions may have none.
    """

    name: str
    read: Callable[[Documents], list[Labels]]
    has_file_per_picture: bool


FORMATS = (
    Format("COCO", coco.read, has_file_per_picture=False),
    Format("CVAT", cvat.read, has_file_per_picture=False),
    Format("Label Studio", label_studio.read, has_file_per_picture=False),
    Format("YOLO", yolo.read, has_file_per_picture=True),
    Format("Pascal VOC", voc.read, has_file_per_picture=True),
    Format("LabelMe", labelme.read, has_file_per_picture=True),
)
"""A new format needs a module with a function `read`, and an entry here."""


@dataclass
class Annotations:
    """What all files of annotations in a folder say.

    Attributes:
        formats: Names of the formats that were found.
        labels: The labels of each picture, by its path relative to the folder.
        missing: Names of labelled pictures that are not in the folder.
        has_file_per_picture: Whether a picture without a file of labels has no defect.
    """

    formats: list[str] = field(default_factory=list)
    labels: dict[str, Labels] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    has_file_per_picture: bool = False


def read_annotations(files: Files) -> Annotations:
    """Read the files of annotations in a folder, and record that they are used.

    Raises:
        UserError: If a file is damaged, or if two files label the same picture.
    """
    documents, found = Documents(files), Annotations()
    for form in FORMATS:
        labels = form.read(documents)
        if labels:
            found.formats.append(form.name)
            found.has_file_per_picture |= form.has_file_per_picture
        for item in labels:
            if item.path is None:
                found.missing.append(item.name)
                continue
            other = found.labels.setdefault(item.path, item)
            if other is not item:
                raise UserError(
                    f"{item.path} in {files.root} is labelled both in {other.file} and in "
                    f"{item.file}: move one of them out of the folder"
                )
    return found


def kinds_of(labels: Labels) -> list[str]:
    """Return the kinds of defects in a picture, the one with the largest area first."""
    defects = [region for region in labels.regions if not is_normal_name(region.kind)]
    areas: dict[str, float] = dict.fromkeys((region.kind for region in defects), 0.0)
    if len(areas) > 1:
        for region in defects:
            areas[region.kind] += 0.0 if region.shape is None else region.shape.area
    return sorted(areas, key=lambda kind: (-areas[kind], kind))


def mask_of(labels: Labels) -> Regions | None:
    """Return the regions of the defects in a picture, None if there are none."""
    shapes = tuple(
        region.shape
        for region in labels.regions
        if region.shape is not None and not is_normal_name(region.kind)
    )
    return Regions(shapes, labels.shape, labels.is_relative) if shapes else None


class Notes:
    """Collects what is to be said about the labels of pictures."""

    def __init__(self) -> None:
        self._without_regions: list[str] = []
        self._without_file = 0
        self._of_several_kinds: list[str] = []
        self._unusable: list[str] = []
        self._unread: Counter[str] = Counter()
        self._normal_regions: Counter[str] = Counter()

    def kind_of(self, path: str, labels: Labels | None) -> str | None:
        """Return the kind of a picture by its labels alone.

        Args:
            path: Path of the picture.
            labels: Its labels; None if it has no file of labels.

        Returns:
            The kind, `NORMAL` without regions; None if its shapes mark no area, so that the kind is
            not known.
        """
        kinds = [] if labels is None else kinds_of(labels)
        if labels is None or not (labels.regions or labels.unread):
            self._without_regions.append(path)
            self._without_file += labels is None
        elif not labels.regions:
            self._unusable.append(path)
            return None
        if len(kinds) > 1:
            self._of_several_kinds.append(f"{path} ({', '.join(kinds)})")
        return kinds[0] if kinds else NORMAL

    def count(self, labels: Labels) -> None:
        """Count the shapes and regions of a picture that mark no defect."""
        self._unread.update(labels.unread)
        kinds = [region.kind for region in labels.regions]
        self._normal_regions.update(kind for kind in kinds if is_normal_name(kind))

    def sentences(self) -> list[str]:
        """Return what was collected, one sentence for each matter."""
        without_file = (
            f" ({self._without_file} of them without a file of labels)"
            if self._without_file
            else ""
        )
        regions = ", ".join(f"{count} of {kind}" for kind, count in self._normal_regions.items())
        shapes = ", ".join(f"{count} {name}" for name, count in self._unread.items())
        found = {
            f"taken as normal, without any region{without_file}": in_words(self._without_regions),
            "with regions of several kinds, taken for the kind with the largest area": in_words(
                self._of_several_kinds
            ),
            "regions that are no defects by their class": regions,
            "shapes that mark no area and are not read": shapes,
            "left out, since their labels mark no area": in_words(self._unusable),
        }
        return [f"{matter}: {what}" for matter, what in found.items() if what]
