"""`results.jsonl`: one JSON line per part, each exactly once, made from the journal."""

import json
from pathlib import Path
from typing import List, Tuple

from ganad_station.errors import StationError
from ganad_station.journal.reader import JournalReader
from ganad_station.journal.records import Part

RESULTS_FILE = "results.jsonl"
TAIL_BYTES = 1 << 20
BATCH = 1000


def to_json(part: Part) -> str:
    """Return a part as one line of ASCII JSON, also if its file name is not UTF-8."""
    return json.dumps(part._asdict())


class ResultsFile:
    """The file `results.jsonl`; it is opened for each write, so that it may be rotated.

    Args:
        folder: The folder of results.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RESULTS_FILE

    def catch_up(self, journal: JournalReader) -> None:
        """Cut off a torn last line and append the parts that the journal has after it.

        Raises:
            StationError: If the file is not a file of results, or is ahead of the journal.
        """
        last_id = self._repair()
        if last_id > journal.last_id():
            raise StationError(
                f"{self.path} ends with id {last_id}, {journal.path} with {journal.last_id()}: "
                f"move {self.path.name} away, or bring its journal back"
            )
        while True:
            parts = journal.after(last_id, BATCH)
            if not parts:
                return
            self.append(parts)
            last_id = parts[-1].id

    def append(self, parts: List[Part]) -> None:
        """Append a line for each part.

        Raises:
            StationError: If the disk is full; the next `catch_up` repairs the file.
        """
        lines = "".join(to_json(part) + "\n" for part in parts)
        try:
            with self.path.open("ab") as file:
                file.write(lines.encode("ascii"))
        except OSError as error:
            raise StationError(
                f"{self.path} cannot be written ({error.strerror}): "
                "free space on its disk, then start again"
            ) from None

    def _repair(self) -> int:
        """Cut off a torn last line; return the id of the last whole one, 0 if there is none."""
        if not self.path.exists():
            return 0
        with self.path.open("r+b") as file:
            start = max(0, file.seek(0, 2) - TAIL_BYTES)
            file.seek(start)
            tail = file.read()
            end, last_id = _last_line(tail)
            if end == 0 and (start > 0 or tail.strip(b"\0").count(b"\n")):
                raise StationError(
                    f"{self.path} is damaged, or not of this station: move it away, it is made anew"
                )
            file.truncate(start + end)
        return last_id


def _last_line(tail: bytes) -> Tuple[int, int]:
    """Return the end of the last whole line and its id, (0, 0) if there is none."""
    end = tail.rfind(b"\n") + 1
    while end > 0:
        start = tail.rfind(b"\n", 0, end - 1) + 1
        try:
            return end, int(json.loads(tail[start:end])["id"])
        except (ValueError, TypeError, KeyError):
            # After a power cut, the file may end in blocks of zeros.
            end = start
    return 0, 0
