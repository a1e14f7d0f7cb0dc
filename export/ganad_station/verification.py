"""Whether the files of a bundle decide like the float model: what the manifest records of it."""

import enum
from dataclasses import dataclass
from typing import Any, Dict, Iterable, NamedTuple

from ganad_station.fields import INFINITY, Fields

LARGEST_COUNT = 10**9


class Outcome(str, enum.Enum):
    """What a verification proved of a model file."""

    VERIFIED = "verified"
    """It decides like the float model, within the stated limits, with 95 % confidence."""
    UNDECIDED = "undecided"
    """The test pictures are too few to tell."""
    FAILED = "failed"
    """It decides otherwise."""


OUTCOMES = tuple(outcome.value for outcome in Outcome)
"""From the best to the worst."""


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of some outcomes, `VERIFIED` if there are none."""
    found = [OUTCOMES.index(outcome.value) for outcome in outcomes]
    return Outcome(OUTCOMES[max(found, default=0)])


class Interval(NamedTuple):
    """An estimate with its 95 % confidence interval.

    Attributes:
        value: The estimated figure.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float


class RuntimeEntry(NamedTuple):
    """How a model file decides under one runtime, compared with the float model.

    Attributes:
        outcome: One of `OUTCOMES`.
        reason: Why it is not verified, in words; empty if it is.
        exported_auroc: AUROC of the file, in [0, 1].
        difference: `exported_auroc - float_auroc`.
        false_rejects: Increase of the false-reject rate, with the bounds of its 95 % interval.
        misses: Increase of the miss rate, likewise.
    """

    outcome: str
    reason: str
    exported_auroc: float
    difference: Interval
    false_rejects: Interval
    misses: Interval


@dataclass(frozen=True)
class VerificationEntry:
    """How a model file compares with the float model on the test images.

    The figures are those of the runtime with the worst outcome.

    Attributes:
        float_auroc: AUROC of the float model, in [0, 1].
        exported_auroc: AUROC of the file, in [0, 1].
        difference: `exported_auroc - float_auroc`.
        max_drop: Largest drop of AUROC that passes.
        images: Number of test images.
        outcome: What was proved, the worst over the runtimes.
        reason: Why the file is not verified, in words; empty if it is.
        runtimes: What each runtime gave, by name; empty in bundles of schema 5.
    """

    float_auroc: float
    exported_auroc: float
    difference: Interval
    max_drop: float
    images: int
    outcome: Outcome
    reason: str
    runtimes: Dict[str, RuntimeEntry]

    @property
    def is_verified(self) -> bool:
        """Whether the file decides like the float model."""
        return self.outcome is Outcome.VERIFIED

    def to_dict(self, is_schema_5: bool = False) -> Dict[str, Any]:
        """Return the entry in the types of JSON, without what schema 5 does not have."""
        values = {
            "float_auroc": self.float_auroc,
            "exported_auroc": self.exported_auroc,
            "difference": self.difference._asdict(),
            "max_drop": self.max_drop,
            "images": self.images,
            "is_verified": self.is_verified,
        }  # type: Dict[str, Any]
        if not is_schema_5:
            values["outcome"] = self.outcome.value
            values["reason"] = self.reason
            values["runtimes"] = {
                name: {
                    key: value._asdict() if isinstance(value, Interval) else value
                    for key, value in entry._asdict().items()
                }
                for name, entry in self.runtimes.items()
            }
        return values


def read_verification(fields: Fields) -> Dict[str, VerificationEntry]:
    """Read the outcome of the verification of each model, by file name."""
    return {name: _read_entry(fields.fields(name)) for name in fields.names}


def _read_entry(fields: Fields) -> VerificationEntry:
    is_verified = fields.flag("is_verified")
    outcome = fields.choice("outcome", OUTCOMES, OUTCOMES[0 if is_verified else -1])
    if is_verified != (outcome == Outcome.VERIFIED.value):
        fields.refuse("outcome", f"contradicts is_verified, {is_verified}")
    runtimes = fields.optional_fields("runtimes")
    return VerificationEntry(
        fields.number("float_auroc", 0, 1),
        fields.number("exported_auroc", 0, 1),
        _read_interval(fields.fields("difference")),
        fields.number("max_drop", -INFINITY, INFINITY),
        fields.integer("images", 1, LARGEST_COUNT),
        Outcome(outcome),
        fields.text("reason", ""),
        {name: _read_runtime(runtimes.fields(name)) for name in runtimes.names} if runtimes else {},
    )


def _read_runtime(fields: Fields) -> RuntimeEntry:
    return RuntimeEntry(
        fields.choice("outcome", OUTCOMES),
        fields.text("reason"),
        fields.number("exported_auroc", 0, 1),
        *(_read_interval(fields.fields(name)) for name in RuntimeEntry._fields[-3:]),
    )


def _read_interval(fields: Fields) -> Interval:
    return Interval(*(fields.number(end, -INFINITY, INFINITY) for end in Interval._fields))
