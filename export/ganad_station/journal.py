"""The journal: what became of every part, in one SQLite file that survives a kill at any moment.

One transaction a part: the row, the counters and the part's heat map are there together or not
at all. Results and deliveries are made from the rows. SQLite's write-ahead log lets the
operator's page read while a part is being written. The SQL is that of SQLite 3.22, which the
older boards have.
"""

import os
import sqlite3
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ganad_station.errors import StationError

JOURNAL_FILE = "journal.sqlite"
SCHEMA_VERSION = 1
LOCK_SECONDS = 30.0
PRUNED_AT_ONCE = 1000

OK, NG, ERROR = "OK", "NG", "ERROR"
DECISIONS = (OK, NG, ERROR)

SCHEMA = """
CREATE TABLE parts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    decision TEXT NOT NULL,
    score REAL,
    threshold REAL NOT NULL,
    seconds REAL,
    error TEXT,
    UNIQUE (file, size, mtime_ns)
);
CREATE INDEX parts_by_decision ON parts (decision, id);
CREATE TABLE counts (
    day TEXT NOT NULL,
    decision TEXT NOT NULL,
    parts INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (day, decision)
);
CREATE TABLE outputs (
    name TEXT PRIMARY KEY,
    delivered INTEGER NOT NULL,
    queue INTEGER NOT NULL
);
"""


class Stamp(NamedTuple):
    """What tells one content of a file from the next.

    Attributes:
        size: In bytes.
        mtime_ns: Time of the last change, in nanoseconds since 1970.
    """

    size: int
    mtime_ns: int


class Outcome(NamedTuple):
    """What was found out about a part.

    Attributes:
        decision: `OK`, `NG` or `ERROR`.
        score: The anomaly score in [0, 1]; None for an error.
        threshold: Scores above it are NG.
        seconds: From the file to the decision; None for an error.
        error: Why it has no score; None if it has one.
    """

    decision: str
    score: Optional[float]
    threshold: float
    seconds: Optional[float]
    error: Optional[str]


class Part(NamedTuple):
    """A row of the journal; its fields are those of a line of `results.jsonl`.

    Attributes:
        id: Rises by part and is never used again.
        time: When it was decided, ISO 8601 in UTC.
        file: Path below the watched folder.
        decision: `OK`, `NG` or `ERROR`.
        score: The anomaly score in [0, 1]; None for an error.
        threshold: Scores above it are NG.
        seconds: From the file to the decision; None for an error.
        size: Of the file, in bytes.
        mtime_ns: Of the file, in nanoseconds since 1970.
        error: Why it has no score; None if it has one.
    """

    id: int
    time: str
    file: str
    decision: str
    score: Optional[float]
    threshold: float
    seconds: Optional[float]
    size: int
    mtime_ns: int
    error: Optional[str]


class Queue(NamedTuple):
    """How far an output has come.

    Attributes:
        name: `webhook` or `mqtt`.
        delivered: Id of the last part that its receiver has.
        undelivered: Parts that wait for it.
        size: Parts that may wait before the station stops scoring.
    """

    name: str
    delivered: int
    undelivered: int
    size: int

    @property
    def is_full(self) -> bool:
        """Whether no further part may be added."""
        return self.undelivered >= self.size


COLUMNS = ", ".join(Part._fields)


class JournalReader:
    """A journal that is only read; use it in the thread that opened it.

    Args:
        path: The file.
        connection: To it, in autocommit mode.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        # File names need not be UTF-8: as os.fsdecode does, bytes that are none are kept.
        connection.text_factory = os.fsdecode

    @classmethod
    def open(cls, folder: Path) -> "JournalReader":
        """Open the journal in a folder, which may be written at the same time.

        All that is read is the state of one moment, that of the first reading.

        Raises:
            StationError: If there is none, or it cannot be read.
        """
        path = folder / JOURNAL_FILE
        with _explained(path):
            reader = cls(path, _connect(path, "ro"))
            reader._connection.execute("BEGIN")
            _check_version(path, reader._version())
        return reader

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    def last_id(self) -> int:
        """Return the id of the newest part, 0 before the first."""
        return self._select_one("SELECT coalesce(max(seq), 0) FROM sqlite_sequence")

    def after(self, part_id: int, limit: int) -> List[Part]:
        """Return the first parts after an id, oldest first."""
        return self._parts("WHERE id > ? ORDER BY id LIMIT ?", part_id, limit)

    def newest(self, limit: int) -> List[Part]:
        """Return the last parts, newest first."""
        return self._parts("ORDER BY id DESC LIMIT ?", limit)

    def newest_with(self, decision: str, limit: int) -> List[Part]:
        """Return the last parts that were decided so, newest first."""
        return self._parts("WHERE decision = ? ORDER BY id DESC LIMIT ?", decision, limit)

    def counts(self, day: Optional[str] = None) -> Dict[str, int]:
        """Count all parts ever decided, or those of a day, by decision.

        Args:
            day: As `today` writes it.
        """
        rows = self._select(
            "SELECT decision, sum(parts) FROM counts "
            "WHERE day = coalesce(?, day) GROUP BY decision",
            day,
        )
        return {**dict.fromkeys(DECISIONS, 0), **dict(rows)}

    def total_seconds(self) -> float:
        """Return the time that all inspections took together."""
        return self._select_one("SELECT coalesce(sum(seconds), 0.0) FROM counts")

    def queues(self) -> List[Queue]:
        """Return how far each output has come."""
        last_id = self.last_id()
        rows = self._select("SELECT name, delivered, queue FROM outputs ORDER BY name")
        # No id is left out and nothing undelivered is pruned: the difference is the count.
        return [Queue(name, done, last_id - done, size) for name, done, size in rows]

    def _parts(self, clause: str, *values: Any) -> List[Part]:
        sql = f"SELECT {COLUMNS} FROM parts {clause}"  # noqa: S608 (constants)
        rows = self._select(sql, *values)
        return [Part(*row) for row in rows]

    def _select(self, sql: str, *values: Any) -> List[Tuple]:
        with _explained(self.path):
            return self._connection.execute(sql, values).fetchall()

    def _select_one(self, sql: str, *values: Any) -> Any:
        return self._select(sql, *values)[0][0]

    def _version(self) -> int:
        return self._select_one("PRAGMA user_version")


class Journal(JournalReader):
    """A journal that is written too."""

    @classmethod
    def open(cls, folder: Path) -> "Journal":
        """Open the journal in a folder, or make it.

        Raises:
            StationError: If it cannot be written, is damaged, or of a newer version.
        """
        path = folder / JOURNAL_FILE
        with _explained(path):
            journal = cls(path, _connect(path, "rwc"))
            journal._connection.execute("PRAGMA journal_mode = WAL")
            # What is in results.jsonl or with a receiver must be here after a power cut too.
            journal._connection.execute("PRAGMA synchronous = FULL")
            journal._create_tables()
            _check_version(path, journal._version())
        return journal

    def knows(self, file: str, stamp: Stamp) -> bool:
        """Tell whether a file with this very content has been recorded."""
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
            file: Path below the watched folder.
            stamp: Of the content that was inspected.
            outcome: What was found out.
            save: Called with the id before the row can be seen, to write what belongs to it.

        Raises:
            StationError: If it cannot be written; then nothing is recorded.
        """
        moment = _now()
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
        """Declare the outputs; a new one gets the parts from now on, one left out is forgotten.

        Args:
            names: Of all outputs.
            queue: Parts that may wait for each of them.
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
        """Note that an output's receiver has all parts up to an id."""
        with self._transaction():
            self._connection.execute(
                "UPDATE outputs SET delivered = ? WHERE name = ?", (part_id, name)
            )

    def prune(self, present: Dict[str, Stamp], before: str, keep: int) -> int:
        """Delete rows that nothing needs any more; the counters keep what they counted.

        Args:
            present: The files in the watched folder; their rows stay, or they would be scored
                again.
            before: Rows from this time on stay, ISO 8601 in UTC.
            keep: So many of the newest rows stay.

        Returns:
            How many were deleted.
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
        with _explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back where the disk is full.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def today() -> str:
    """Return the day at the station, such as `2026-01-31`."""
    return time.strftime("%Y-%m-%d")


def to_iso(seconds: float) -> str:
    """Write a time, in seconds since 1970, as the journal does: ISO 8601 in UTC."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """Read a time of the journal; seconds since 1970."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def _now() -> str:
    return to_iso(time.time())


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        timeout=LOCK_SECONDS,
        isolation_level=None,
    )


def _check_version(path: Path, version: int) -> None:
    if version != SCHEMA_VERSION:
        raise StationError(
            f"{path} has version {version}, this program reads {SCHEMA_VERSION}: "
            "use the station.pyz that wrote it, or another --out"
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a line that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StationError(
            f"{path} cannot be used ({error}): free space on its disk or mend its permissions, "
            "then start again"
        ) from None
    except sqlite3.DatabaseError as error:
        raise StationError(
            f"{path} is damaged ({error}): move it and results.jsonl away, then start again"
        ) from None
