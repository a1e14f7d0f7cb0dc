"""The records of the journal."""

from typing import NamedTuple, Optional

OK, NG, ERROR = "OK", "NG", "ERROR"
DECISIONS = (OK, NG, ERROR)


class Stamp(NamedTuple):
    """Size and modification time of a file, which identify its content.

    Attributes:
        size: Size in bytes.
        mtime_ns: Time of the last modification, in nanoseconds since 1970.
    """

    size: int
    mtime_ns: int


class Outcome(NamedTuple):
    """The outcome of an inspection.

    Attributes:
        decision: `OK`, `NG` or `ERROR`.
        score: The anomaly score in [0, 1]; None for an error.
        threshold: Scores above it are NG.
        seconds: Time from the file to the decision; None for an error.
        error: Why the part is not decided; None if it is.
    """

    decision: str
    score: Optional[float]
    threshold: float
    seconds: Optional[float]
    error: Optional[str]


class Part(NamedTuple):
    """A row of the journal; its fields are those of a line of `results.jsonl`.

    Attributes:
        id: Number of the part; rises from part to part and is never used again.
        time: When the part was decided, ISO 8601 in UTC.
        file: Path of the picture relative to the watched folder.
        decision: `OK`, `NG` or `ERROR`.
        score: The anomaly score in [0, 1]; None for an error.
        threshold: Scores above it are NG.
        seconds: Time from the file to the decision; None for an error.
        size: Size of the file in bytes.
        mtime_ns: Time of the last modification of the file, in nanoseconds since 1970.
        error: Why the part is not decided; None if it is.
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
    """The parts that wait for the receiver of an output.

    Attributes:
        name: `webhook` or `mqtt`.
        delivered: Id of the last part that the receiver has acknowledged.
        undelivered: Number of parts that wait.
        size: Number of parts that may wait before the station stops scoring.
    """

    name: str
    delivered: int
    undelivered: int
    size: int

    @property
    def is_full(self) -> bool:
        """Whether no further part may be added."""
        return self.undelivered >= self.size
