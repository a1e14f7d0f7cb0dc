"""Scanning a folder for pictures, and telling which of them are new and complete."""

import os
import stat
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from ganad_station.images import IMAGE_SUFFIXES
from ganad_station.journal.records import Stamp

PATIENCE_SECONDS = 3.0


class Scan(NamedTuple):
    """The result of one directory scan.

    Attributes:
        files: Stamp of each picture, by path relative to the folder.
        problem: Why a part of the folder could not be read; None if all of it was read.
    """

    files: Dict[str, Stamp]
    problem: Optional[str]


class _Candidate:
    """A picture that is not recorded yet.

    Args:
        stamp: Stamp of its present content.
        since: When that content was first seen, in seconds of a monotonic clock.
    """

    def __init__(self, stamp: Stamp, since: float) -> None:
        self.stamp = stamp
        self.since = since
        self.is_broken = False


class Arrivals:
    """Tracks, across scans, which pictures are complete and ready for inspection.

    A picture is ready when two scans found the same size and time of modification. A picture that
    could not be decoded is ready once more after `PATIENCE_SECONDS` without a change.

    Args:
        is_recorded: Returns whether a file with a given content is in the journal.
    """

    def __init__(self, is_recorded: Callable[[str, Stamp], bool]) -> None:
        self._is_recorded = is_recorded
        self._done: Dict[str, Stamp] = {}
        self._candidates: Dict[str, _Candidate] = {}

    def ready(self, files: Dict[str, Stamp], now: float) -> List[Tuple[str, Stamp]]:
        """Return the pictures that can be inspected, in the order of arrival.

        Args:
            files: All pictures of the present scan.
            now: Present time in seconds of a monotonic clock.
        """
        self._done = {file: at for file, at in self._done.items() if files.get(file) == at}
        self._candidates = {
            file: self._candidate(file, stamp, now)
            for file, stamp in files.items()
            if not self._is_done(file, stamp)
        }
        settled = [
            (file, candidate.stamp)
            for file, candidate in self._candidates.items()
            if candidate.since < now and (not candidate.is_broken or self.is_final(file, now))
        ]
        return sorted(settled, key=lambda entry: (entry[1].mtime_ns, entry[0]))

    def is_final(self, file: str, now: float) -> bool:
        """Return whether a candidate has not changed for `PATIENCE_SECONDS`."""
        return now - self._candidates[file].since >= PATIENCE_SECONDS

    def set_broken(self, file: str) -> None:
        """Record that a candidate could not be decoded."""
        self._candidates[file].is_broken = True

    def set_done(self, file: str) -> None:
        """Record that a candidate is in the journal."""
        self._done[file] = self._candidates.pop(file).stamp

    def _is_done(self, file: str, stamp: Stamp) -> bool:
        if file in self._done:
            return True
        known = self._candidates.get(file)
        if known is not None and known.stamp == stamp:
            return False
        if self._is_recorded(file, stamp):
            self._done[file] = stamp
            return True
        return False

    def _candidate(self, file: str, stamp: Stamp, now: float) -> _Candidate:
        known = self._candidates.get(file)
        if known is None or known.stamp != stamp:
            return _Candidate(stamp, now)
        return known


def scan_folder(folder: Path, left_out: Path) -> Scan:
    """Find the pictures in a folder and its subfolders.

    Hidden files and folders are left out. Links to files are followed, links to folders are not,
    so that there are no loops and no picture has two names.

    Args:
        folder: The folder to scan, a resolved path.
        left_out: A folder to leave out, a resolved path.
    """
    files: Dict[str, Stamp] = {}
    problem = None
    root = os.path.join(str(folder), "")  # noqa: PTH118 (ends with a separator)
    folders = [root]
    while folders:
        path = folders.pop()
        try:
            pictures, subfolders = _list_folder(path)
        except FileNotFoundError:
            # A subfolder may disappear at any moment, the folder itself must not.
            problem = f"{folder} is not there" if path == root else problem
        except OSError as error:
            problem = f"{path} cannot be read ({error.strerror})"
        else:
            files.update((name[len(root) :], stamp) for name, stamp in pictures.items())
            folders += [name for name in subfolders if name != str(left_out)]
    return Scan(files, problem)


def stamp_of(path: Path) -> Optional[Stamp]:
    """Return the stamp of a file, None if there is no such file."""
    return _stamp(path.stat)


def _list_folder(path: str) -> Tuple[Dict[str, Stamp], List[str]]:
    pictures: Dict[str, Stamp] = {}
    subfolders = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(entry.path)
            elif Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
                stamp = _stamp(entry.stat)
                if stamp is not None:
                    pictures[entry.path] = stamp
    return pictures, subfolders


def _stamp(status_of: Callable[[], os.stat_result]) -> Optional[Stamp]:
    try:
        status = status_of()
    except OSError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
