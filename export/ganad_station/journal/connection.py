"""The SQLite file of the journal: its schema, connections to it, and its errors."""

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from ganad_station.errors import StationError

JOURNAL_FILE = "journal.sqlite"
SCHEMA_VERSION = 1
LOCK_SECONDS = 30.0

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


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database in autocommit mode.

    Args:
        path: Path of the file.
        mode: `ro` to read, `rwc` to read, write, and create the file if it is missing.
    """
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        timeout=LOCK_SECONDS,
        isolation_level=None,
    )


def check_version(path: Path, version: int) -> None:
    """Raise `StationError` if a journal has another schema version."""
    if version != SCHEMA_VERSION:
        raise StationError(
            f"{path} has version {version}, this program reads {SCHEMA_VERSION}: "
            "use the station.pyz that wrote it, or another --out"
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite into a `StationError` that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StationError(
            f"{path} cannot be used ({error}): free space on its disk or fix its permissions, "
            "then start again"
        ) from None
    except sqlite3.DatabaseError as error:
        raise StationError(
            f"{path} is damaged ({error}): move it and results.jsonl away, then start again"
        ) from None
