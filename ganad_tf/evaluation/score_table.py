"""Tables of scores with one line per picture: CSV or JSON lines."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ganad_tf.errors import UserError
from ganad_tf.system.files import replacing

FIELDS = ("file", "score", "decision", "problem")

Record = dict[str, str | float | None]
WriteRecord = Callable[[Record], object]


def check_format(path: Path) -> None:
    """Raise `UserError` unless the suffix of a table is that of a known format."""
    if path.suffix not in _WRITERS:
        raise UserError(f"{path} must end in {' or '.join(_WRITERS)}")


@contextmanager
def score_table(path: Path) -> Iterator[WriteRecord]:
    """Yield a function that adds a record with `FIELDS`; the file exists when the block ends."""
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        yield _WRITERS[path.suffix](file)


def _csv_writer(file: TextIO) -> WriteRecord:
    writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
    writer.writeheader()
    return writer.writerow


def _json_writer(file: TextIO) -> WriteRecord:
    return lambda record: print(json.dumps(record), file=file)


_WRITERS = {".csv": _csv_writer, ".jsonl": _json_writer}
