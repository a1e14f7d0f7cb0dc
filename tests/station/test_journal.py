import os
import sqlite3
from pathlib import Path

import pytest

from ganad_station.errors import StationError
from ganad_station.journal.connection import JOURNAL_FILE
from ganad_station.journal.reader import JournalReader
from ganad_station.journal.records import Outcome, Stamp
from ganad_station.journal.times import from_iso, to_iso, today
from ganad_station.journal.writer import Journal
from tests.support.journals import add_part

STAMP = Stamp(10, 20)
FINE = Outcome("OK", 0.01, 0.03, 0.5, None)
FUTURE = "9999-01-01T00:00:00.000Z"


def save_nothing(_: int) -> None:
    pass


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path)


def test_a_part_comes_back_as_it_was_recorded(journal: Journal) -> None:
    part = journal.record("a.png", STAMP, FINE, save_nothing)
    assert journal.newest(5) == [part]
    assert part[2:] == ("a.png", "OK", 0.01, 0.03, 0.5, 10, 20, None)
    assert to_iso(from_iso(part.time)) == part.time
    assert journal.counts(today()) == journal.counts() == {"OK": 1, "NG": 0, "ERROR": 0}
    assert journal.counts("1999-01-01") == {"OK": 0, "NG": 0, "ERROR": 0}
    assert journal.total_seconds() == 0.5


def test_a_file_with_new_content_is_a_new_part(journal: Journal) -> None:
    journal.record("a.png", STAMP, FINE, save_nothing)
    assert journal.knows("a.png", STAMP)
    assert not journal.knows("a.png", Stamp(11, 20))
    assert not journal.knows("a.png", Stamp(10, 21))
    assert not journal.knows("b.png", STAMP)


def test_what_cannot_be_saved_is_not_recorded_at_all(journal: Journal) -> None:
    def fail(_: int) -> None:
        raise OSError("no space left")

    first = add_part(journal, 0.01)
    with pytest.raises(OSError, match="no space"):
        journal.record("a.png", STAMP, FINE, fail)
    assert journal.newest(5) == [first]
    assert sum(journal.counts().values()) == 1
    assert journal.record("a.png", STAMP, FINE, save_nothing).id == first.id + 1


def test_file_names_that_are_no_utf8_keep_their_bytes(journal: Journal) -> None:
    name = os.fsdecode(b"part \xff\xfe.png")
    journal.record(name, STAMP, FINE, save_nothing)
    assert journal.knows(name, STAMP)
    assert os.fsencode(journal.newest(1)[0].file) == b"part \xff\xfe.png"


def test_a_reader_sees_one_moment(journal: Journal, tmp_path: Path) -> None:
    add_part(journal, 0.01)
    with JournalReader.open(tmp_path) as reader:
        assert reader.last_id() == 1
        add_part(journal, 0.05)
        assert reader.last_id() == len(reader.newest(9)) == sum(reader.counts().values()) == 1
    with JournalReader.open(tmp_path) as reader:
        assert [part.decision for part in reader.newest(9)] == ["NG", "OK"]
        assert [part.id for part in reader.newest_with("OK", 9)] == [1]


def test_an_output_begins_with_the_parts_after_its_first_start(journal: Journal) -> None:
    add_part(journal, 0.01)
    journal.set_outputs(["webhook"], 2)
    assert journal.queues() == [("webhook", 1, 0, 2)]
    add_part(journal, 0.01)
    journal.set_outputs(["mqtt", "webhook"], 3)
    assert journal.queues() == [("mqtt", 2, 0, 3), ("webhook", 1, 1, 3)]
    add_part(journal, 0.01)
    journal.set_delivered("webhook", 2)
    assert journal.queues() == [("mqtt", 2, 1, 3), ("webhook", 2, 1, 3)]
    assert [part.id for part in journal.after(2, 10)] == [3]
    journal.set_outputs(["webhook"], 1)
    (queue,) = journal.queues()
    assert queue.is_full


def test_pruning_keeps_what_is_needed(journal: Journal) -> None:
    parts = [add_part(journal, 0.01) for _ in range(10)]
    present = {parts[1].file: Stamp(parts[1].size, parts[1].mtime_ns), parts[2].file: STAMP}
    journal.set_outputs(["webhook"], 100)
    journal.set_delivered("webhook", 6)
    assert journal.prune(present, "2000-01-01T00:00:00.000Z", keep=0) == 0
    assert journal.prune(present, FUTURE, keep=5) == 4
    assert [part.id for part in journal.after(0, 99)] == [2, 6, 7, 8, 9, 10]
    assert journal.prune(present, FUTURE, keep=0) == 1
    journal.set_delivered("webhook", 10)
    assert journal.prune({}, FUTURE, keep=0) == 5
    assert journal.counts()["OK"] == 10
    assert add_part(journal, 0.01).id == 11


def test_a_journal_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_FILE
    with pytest.raises(StationError, match="cannot be used"):
        JournalReader.open(tmp_path)
    Journal.open(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    for kind in (Journal, JournalReader):
        with pytest.raises(StationError, match="has version 9, this program reads 1"):
            kind.open(tmp_path)


def test_a_damaged_journal_is_one_line(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(StationError, match=r"is damaged .*: move it and results\.jsonl away"):
        Journal.open(tmp_path)
