"""Writing the journal."""

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List

from ganad_station.journal.connection import (
    JOURNAL_FILE,
    SCHEMA,
    SCHEMA_VERSION,
    check_version,
    connect,
    explained,
)
from ganad_station.journal.reader import COLUMNS, JournalReader
from ganad_station.journal.records import Outcome, Part, Stamp
from ganad_station.journal.times import to_iso, today

PRUNED_AT_ONCE = 1000


class Journal(JournalReader):
    """A journal that is opened for reading and writing."""

    @classmethod
    def open(cls, folder: Path) -> "Journal":
        """Open the journal in a folder; create it if there is none.

        Raises:
            StationError: If it cannot be written, is damaged, or has another schema version.
        """
        path = folder / JOURNAL_FILE
        with explained(path):
            journal = cls(path, connect(path, "rwc"))
            journal._connection.execute("PRAGMA journal_mode = WAL")
            # Whatever is in results.jsonl or has been delivered must survive a power cut here, too.
            journal._connection.execute("PRAGMA synchronous = FULL")
            journal._create_tables()
            check_version(path, journal._version())
        return journal

    def knows(self, file: str, stamp: Stamp) -> bool:
        """Return whether a file with this content has been recorded."""
        return bool(
            self._select(
                "SELECT 1 FROM parts WHERE file = CAST(? AS TEXT) AND size = ? AND mtime_ns = ?",
                os.fsencode(file),
                *stamp,
            )
        )

    def record(
        self, file: str, stamp: Stamp, outcome: Outcome, save: Callable[[int], None]
    ) -> Part:
        """Record a part and count it.

        Args:
            file: Path of the picture relative to the watched folder.
            stamp: Stamp of the content that was inspected.
            outcome: Outcome of the inspection.
            save: Called with the id before the row becomes visible, to write its heat map.

        Raises:
            StationError: If the journal cannot be written; then nothing is recorded.
        """
        moment = to_iso(time.time())
        with self._transaction():
            cursor = self._connection.execute(
                f"INSERT INTO parts ({COLUMNS}) "  # noqa: S608 (constants)
                "VALUES (NULL, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))",
                (
                    moment,
                    os.fsencode(file),
                    outcome.decision,
                    outcome.score,
                    outcome.threshold,
                    outcome.seconds,
                    *stamp,
                    None if outcome.error is None else os.fsencode(outcome.error),
                ),
            )
            part_id = int(cursor.lastrowid or 0)
            self._count(outcome)
            save(part_id)
        return Part(
            part_id,
            moment,
            file,
            outcome.decision,
            outcome.score,
            outcome.threshold,
            outcome.seconds,
            *stamp,
            outcome.error,
        )

    def set_outputs(self, names: List[str], queue: int) -> None:
        """Declare the outputs: a new one gets the parts from now on, a missing one is removed.

        Args:
            names: Names of all outputs.
            queue: Number of parts that may wait for each output.
        """
        last_id = self.last_id()
        with self._transaction():
            for (name,) in self._select("SELECT name FROM outputs"):
                if name not in names:
                    self._connection.execute("DELETE FROM outputs WHERE name = ?", (name,))
            for name in names:
                self._connection.execute(
                    "INSERT OR IGNORE INTO outputs VALUES (?, ?, ?)", (name, last_id, queue)
                )
            self._connection.execute("UPDATE outputs SET queue = ?", (queue,))

    def set_delivered(self, name: str, part_id: int) -> None:
        """Record that the receiver of an output has all parts up to an id."""
        with self._transaction():
            self._connection.execute(
                "UPDATE outputs SET delivered = ? WHERE name = ?", (part_id, name)
            )

    def prune(self, present: Dict[str, Stamp], before: str, keep: int) -> int:
        """Delete rows that are no longer needed; the counters stay.

        Args:
            present: The files in the watched folder; their rows are kept, because a file without
                a row is inspected again.
            before: Rows from this time on are kept, ISO 8601 in UTC.
            keep: Number of the newest rows that are kept.

        Returns:
            The number of deleted rows.
        """
        limit = min([queue.delivered for queue in self.queues()] + [self.last_id() - keep])
        last, deleted = 0, 0
        while True:
            rows = self._parts(
                "WHERE id > ? AND id <= ? AND time < ? ORDER BY id LIMIT ?",
                last,
                limit,
                before,
                PRUNED_AT_ONCE,
            )
            if not rows:
                return deleted
            last = rows[-1].id
            gone = [(row.id,) for row in rows if present.get(row.file) != (row.size, row.mtime_ns)]
            with self._transaction():
                self._connection.executemany("DELETE FROM parts WHERE id = ?", gone)
            deleted += len(gone)

    def _count(self, outcome: Outcome) -> None:
        key = (today(), outcome.decision)
        self._connection.execute("INSERT OR IGNORE INTO counts VALUES (?, ?, 0, 0.0)", key)
        self._connection.execute(
            "UPDATE counts SET parts = parts + 1, seconds = seconds + ? "
            "WHERE day = ? AND decision = ?",
            (outcome.seconds or 0.0, *key),
        )

    def _create_tables(self) -> None:
        with self._transaction():
            if self._version() == 0:
                for statement in SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # If the disk is full, SQLite has rolled back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
