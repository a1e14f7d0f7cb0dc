"""Who writes a folder of results: one `watch`, and whether it still does."""

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Optional

from ganad_station.errors import StationError

CLAIM_FILE = "watch.lock"
SILENCE_SECONDS = 10.0


class Claim:
    """The right to write a folder, held until the process ends, however it ends.

    Args:
        folder: The folder.

    Raises:
        StationError: If another process has it.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / CLAIM_FILE
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

    def renew(self) -> None:
        """Say that the holder is alive and at work."""
        os.utime(self._file.fileno())

    def release(self) -> None:
        """Give it up; the page shows at once that the station has stopped."""
        os.utime(self._file.fileno(), (0, 0))
        self._file.close()


def is_alive(folder: Path) -> bool:
    """Tell whether a `watch` is at work in a folder, by the time of its last `renew`."""
    age = _age(folder / CLAIM_FILE)
    return age is not None and abs(age) < SILENCE_SECONDS


def _age(path: Path) -> Optional[float]:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return None
