"""What a check found."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Place(StrEnum):
    """Where an operator runs."""

    ACCELERATOR = "accelerator"
    CPU = "cpu"
    REFUSED = "refused"


class Level(StrEnum):
    """How much a finding matters."""

    REFUSED = "refused"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class OperatorRow:
    """Where one operator runs, and why it does not run on the accelerator.

    Attributes:
        index: Its position in the file, from 0.
        operator: Its name.
        version: TFLite's version of it, 0 in ONNX.
        output: Name of its first output.
        place: Where it runs.
        reason: Why not on the accelerator, or empty.
        remedy: What to do about that, or empty.
        source: URL of the document that says so, or empty.
    """

    index: int
    operator: str
    version: int
    output: str
    place: Place
    reason: str = ""
    remedy: str = ""
    source: str = ""


@dataclass(frozen=True)
class Finding:
    """Something about the model as a whole, or about several operators.

    Attributes:
        level: A refusal and any operator off the accelerator fail the check; others do not.
        reason: What is the case.
        remedy: What to do about it, or empty.
        source: URL of the document that says so.
    """

    level: Level
    reason: str
    remedy: str
    source: str


@dataclass(frozen=True)
class Report:
    """The outcome of checking one file against one target.

    Attributes:
        model: Path of the file as it was given.
        format: `tflite` or `onnx`.
        target: Name of the target.
        title: What the target is.
        accelerator: What its accelerator is called.
        rows: One for each operator, in the order they run.
        findings: About the model as a whole, refusals first.
    """

    model: str
    format: str
    target: str
    title: str
    accelerator: str
    rows: tuple[OperatorRow, ...]
    findings: tuple[Finding, ...]

    @property
    def is_refused(self) -> bool:
        """Whether the target does not take the file at all."""
        levels = [finding.level for finding in self.findings]
        return Level.REFUSED in levels or self.count(Place.REFUSED) > 0

    @property
    def is_mapped(self) -> bool:
        """Whether the target takes the file and every operator runs on the accelerator."""
        return not self.is_refused and self.count(Place.ACCELERATOR) == len(self.rows)

    @property
    def summary(self) -> str:
        """One line for people."""
        mapped = self.count(Place.ACCELERATOR)
        warnings = sum(finding.level == Level.WARNING for finding in self.findings)
        parts = [
            f"{mapped} of {len(self.rows)} operators on the {self.accelerator}",
            f"{self.count(Place.CPU)} on the CPU" if self.count(Place.CPU) else "",
            f"{self.count(Place.REFUSED)} refused" if self.count(Place.REFUSED) else "",
            f"{warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else "",
        ]
        line = ", ".join(part for part in parts if part)
        return f"{self.target} does not take this file: {line}" if self.is_refused else line

    def count(self, place: Place) -> int:
        """Return how many operators run there."""
        return sum(row.place == place for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it in the types of JSON."""
        return {
            **asdict(self),
            "is_mapped": self.is_mapped,
            "is_refused": self.is_refused,
            "summary": self.summary,
        }
