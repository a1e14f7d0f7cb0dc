"""Reading the journal."""

import os
import sqlite3
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ganad_station.journal.connection import JOURNAL_FILE, check_version, connect, explained
from ganad_station.journal.records import DECISIONS, Part, Queue

COLUMNS = ", ".join(Part._fields)


class JournalReader:
    """A journal that is opened for reading, to be used in the thread that opened it.

    Args:
        path: Path of the file.
        connection: Connection to the file, in autocommit mode.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        # File names need not be UTF-8; os.fsdecode keeps their bytes.
        connection.text_factory = os.fsdecode

    @classmethod
    def open(cls, folder: Path) -> "JournalReader":
        """Open the journal in a folder, which may be written at the same time.

        Everything that is read belongs to the same state, that of the first query.

        Raises:
            StationError: If there is no journal, or it cannot be read.
        """
        path = folder / JOURNAL_FILE
        with explained(path):
            reader = cls(path, connect(path, "ro"))
            reader._connection.execute("BEGIN")
            check_version(path, reader._version())
        return reader

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    def last_id(self) -> int:
        """Return the id of the newest part, 0 before the first."""
        return self._select_one("SELECT coalesce(max(seq), 0) FROM sqlite_sequence")

    def after(self, part_id: int, limit: int) -> List[Part]:
        """Return at most `limit` parts after an id, oldest first."""
        return self._parts("WHERE id > ? ORDER BY id LIMIT ?", part_id, limit)

    def newest(self, limit: int) -> List[Part]:
        """Return at most `limit` of the newest parts, newest first."""
        return self._parts("ORDER BY id DESC LIMIT ?", limit)

    def newest_with(self, decision: str, limit: int) -> List[Part]:
        """Return at most `limit` of the newest parts with a decision, newest first."""
        return self._parts("WHERE decision = ? ORDER BY id DESC LIMIT ?", decision, limit)

    def counts(self, day: Optional[str] = None) -> Dict[str, int]:
        """Count parts by decision, including those that have been pruned.

        Args:
            day: The day to count, as `today` writes it; None for all days.
        """
        rows = self._select(
            "SELECT decision, sum(parts) FROM counts "
            "WHERE day = coalesce(?, day) GROUP BY decision",
            day,
        )
        return {**dict.fromkeys(DECISIONS, 0), **dict(rows)}

    def total_seconds(self) -> float:
        """Return the total time of all inspections, in seconds."""
        return self._select_one("SELECT coalesce(sum(seconds), 0.0) FROM counts")

    def queues(self) -> List[Queue]:
        """Return the queue of each output."""
        last_id = self.last_id()
        rows = self._select("SELECT name, delivered, queue FROM outputs ORDER BY name")
        # Ids have no gaps and nothing undelivered is pruned, so the difference is the count.
        return [Queue(name, done, last_id - done, size) for name, done, size in rows]

    def _parts(self, clause: str, *values: Any) -> List[Part]:
        sql = f"SELECT {COLUMNS} FROM parts {clause}"  # noqa: S608 (constants)
        rows = self._select(sql, *values)
        return [Part(*row) for row in rows]

    def _select(self, sql: str, *values: Any) -> List[Tuple]:
        with explained(self.path):
            return self._connection.execute(sql, values).fetchall()

    def _select_one(self, sql: str, *values: Any) -> Any:
        return self._select(sql, *values)[0][0]

    def _version(self) -> int:
        return self._select_one("PRAGMA user_version")
