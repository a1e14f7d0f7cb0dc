"""The files of a folder of pictures, found once, with a record of those that are used."""

import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

from ganad_station.images import IMAGE_SUFFIXES
from ganad_tf.errors import UserError

MASK_FOLDERS = frozenset({"masks", "ground_truth", "segmentationclass", "segmentationobject"})
"""Folders, in any case, of pictures that are no pictures of parts."""
OnError = Callable[[OSError], None]


class Files:
    """The files of a folder and its subfolders, without hidden ones.

    Links to folders are followed if they lead out of the folder, each folder once.

    Attributes:
        root: Path of the folder.
        pictures: Paths of the files with a suffix of pictures, relative to the folder, sorted.
        masks: Paths of such files in folders of masks, relative to the folder, sorted.
        others: Paths of all other files, relative to the folder, sorted.
        used: Paths of the files that have been read or assigned; the others are reported.
    """

    def __init__(self, root: Path, on_error: OnError) -> None:
        """List the folder.

        Args:
            root: Path of the folder.
            on_error: Called with the error of each folder that cannot be listed.
        """
        self.root = root
        found = sorted(_walk(root, on_error))
        shown = [path for path in found if _suffix(path) in IMAGE_SUFFIXES]
        self.pictures = [path for path in shown if not _is_in_masks(path)]
        self.masks = [path for path in shown if _is_in_masks(path)]
        self.others = [path for path in found if _suffix(path) not in IMAGE_SUFFIXES]
        self.used: set[str] = set()
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for path in self.pictures:
            name = posixpath.basename(path)
            self._by_name[name].append(path)
            self._by_stem[posixpath.splitext(name)[0]].append(path)

    def named(self, name: str, file: str) -> str | None:
        """Find the picture that a file of annotations names.

        Args:
            name: The name in the file: the name of the picture alone, or with folders.
            file: Path of the file, relative to the folder.

        Returns:
            The path of the picture relative to the folder; of several with that name, the one whose
            folders fit best. None if there is none.

        Raises:
            UserError: If several pictures fit equally well.
        """
        parts = name.replace("\\", "/").split("/")
        return self._closest(self._by_name.get(parts[-1], []), file, parts)

    def beside(self, file: str) -> str | None:
        """Find the picture that has the name of a file of annotations, but for the suffix.

        See `named`.
        """
        stem = posixpath.splitext(posixpath.basename(file))[0]
        return self._closest(self._by_stem.get(stem, []), file, [])

    def _closest(self, candidates: list[str], file: str, name: list[str]) -> str | None:
        """Return the candidate that fits best to a file of annotations and to a name in it."""
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        *folders, file_name = file.split("/")

        def fit(candidate: str) -> tuple[int, bool, int, bool]:
            parts = candidate.split("/")
            same = zip(reversed(parts), reversed(name), strict=False)
            ending = len(list(takewhile(lambda pair: pair[0] == pair[1], same)))
            near = {*folders, *name[:-1]} & set(parts[:-1])
            is_in_name = any(part in file_name for part in parts[:-1])
            return ending, parts[:-1] == folders, len(near), is_in_name

        best = max(map(fit, candidates))
        fitting = [candidate for candidate in candidates if fit(candidate) == best]
        if len(fitting) > 1:
            raise UserError(
                f"{self.root / file} may be about {fitting[0]} or {fitting[1]} in {self.root}: "
                "give pictures names that differ, or label one folder at a time"
            )
        return fitting[0]

    def unread(self) -> dict[str, int]:
        """Count the files that are not used, by folder and suffix."""
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for path in [*self.pictures, *self.masks, *self.others]:
            if path not in self.used:
                groups[posixpath.dirname(path), _suffix(path)].append(path)
        counts: Counter[str] = Counter()
        for (folder, suffix), paths in groups.items():
            pattern = f"*{suffix or ' without suffix'}"
            inside = f"{folder}/{pattern}" if folder else pattern
            counts[inside if len(paths) > 1 else paths[0]] = len(paths)
        return dict(sorted(counts.items()))


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()


def _is_in_masks(path: str) -> bool:
    return any(name.lower() in MASK_FOLDERS for name in path.split("/")[:-1])


def _walk(root: Path, on_error: OnError) -> list[str]:
    found: list[str] = []
    visited: set[tuple[int, int]] = set()
    inside = os.path.realpath(root)

    def enter(folder: str, prefix: str) -> None:
        try:
            status = os.stat(folder)  # noqa: PTH116 (names need not be Unicode)
            if (status.st_dev, status.st_ino) in visited:
                return
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            on_error(error)
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not _is_folder(entry):
                found.append(prefix + entry.name)
            elif not (entry.is_symlink() and _is_below(entry.path, inside)):
                enter(entry.path, f"{prefix}{entry.name}/")

    enter(str(root), "")
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A loop of links is listed as a file, which cannot be read.
        return False


def _is_below(path: str, root: str) -> bool:
    real = os.path.realpath(path)
    return real == root or real.startswith(root + os.sep)
