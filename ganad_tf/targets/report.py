"""The outcome of checking a model file against a target."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Place(StrEnum):
    """The place where an operator runs."""

    ACCELERATOR = "accelerator"
    CPU = "cpu"
    REFUSED = "refused"


class Level(StrEnum):
    """The severity of a finding."""

    REFUSED = "refused"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class OperatorRow:
    """The place where one operator runs, and why that is not the accelerator.

    Attributes:
        index: Position of the operator in the file, from 0.
        operator: Name of the operator.
        version: Version of the operator in TFLite, 0 in ONNX.
        output: Name of its first output.
        place: Where the operator runs.
        reason: Why it does not run on the accelerator; empty if it does.
        remedy: What to do about that; empty if there is nothing to do.
        source: URL of the document that the rule is taken from; empty if no rule applies.
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
    """A finding about the model as a whole, or about several operators.

    Attributes:
        level: Severity; only refusals make the check fail.
        reason: The rule that applies, and what it applies to.
        remedy: What to do about it; empty if there is nothing to do.
        source: URL of the document that the rule is taken from.
    """

    level: Level
    reason: str
    remedy: str
    source: str


@dataclass(frozen=True)
class CheckReport:
    """The outcome of checking one file against one target.

    Attributes:
        model: Path of the file, as the user gave it.
        format: `tflite` or `onnx`.
        target: Name of the target.
        title: Description of the target with its version.
        accelerator: Name of its accelerator.
        rows: One row per operator, in the order of execution.
        findings: Findings about the model as a whole, refusals first.
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
        """Whether the target does not accept the file at all."""
        levels = [finding.level for finding in self.findings]
        return Level.REFUSED in levels or self.count(Place.REFUSED) > 0

    @property
    def is_mapped(self) -> bool:
        """Whether the target accepts the file and every operator runs on the accelerator."""
        return not self.is_refused and self.count(Place.ACCELERATOR) == len(self.rows)

    @property
    def summary(self) -> str:
        """The outcome in one line."""
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
        """Return the number of operators that run in a place."""
        return sum(row.place == place for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the report in the types of JSON."""
        return {
            **asdict(self),
            "is_mapped": self.is_mapped,
            "is_refused": self.is_refused,
            "summary": self.summary,
        }
