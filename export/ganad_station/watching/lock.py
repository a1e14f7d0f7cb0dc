"""The lock of a folder of results, which shows whether its `watch` is running."""

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Optional

from ganad_station.errors import StationError

LOCK_FILE = "watch.lock"
SILENCE_SECONDS = 10.0


class FolderLock:
    """The exclusive right to write a folder, held until it is released or the process ends.

    Args:
        folder: The folder of results.

    Raises:
        StationError: If another process holds the lock.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_FILE
        self._file = path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            if error.errno != errno.EWOULDBLOCK:
                raise
            raise StationError(
                f"{folder} is in use by another watch: stop it, or give another --out"
            ) from None

    def heartbeat(self) -> None:
        """Show that the holder is running."""
        os.utime(self._file.fileno())

    def release(self) -> None:
        """Release the lock; the page shows at once that the station has stopped."""
        os.utime(self._file.fileno(), (0, 0))
        self._file.close()


def is_watch_running(folder: Path) -> bool:
    """Return whether a `watch` writes a folder, by the time of its last heartbeat."""
    age = _age(folder / LOCK_FILE)
    return age is not None and abs(age) < SILENCE_SECONDS


def _age(path: Path) -> Optional[float]:
    """Return the seconds since a file was modified, None if there is no such file."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return None
