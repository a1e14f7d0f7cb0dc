"""Targets as data: one TOML file each in this package, which says what the target takes.

A rule names a check of `operator_checks` or `model_checks`, and says what follows where it
finds something, why, what to do, and which public document says so.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ganad_tf.errors import UserError
from ganad_tf.targets.model_checks import MODEL_CHECKS
from ganad_tf.targets.operator_checks import OPERATOR_CHECKS
from ganad_tf.targets.recipe import Format, Precision, Recipe, Scheme, Upsampling
from ganad_tf.targets.report import Level, Place

TARGETS = ("coral", "jetson", "cpu")
PROFILE_FILE, PAGE_FILE = "profile.toml", "README.md"


@dataclass(frozen=True)
class Source:
    """A public document.

    Attributes:
        title: What it is, and of which version.
        url: Where it is.
    """

    title: str
    url: str


@dataclass(frozen=True)
class OperatorRule:
    """What follows where a check finds something in an operator.

    Attributes:
        check: Function of an operator and `values`; returns what it found, or None.
        values: Settings of the check.
        operators: The operators it holds for; empty means all.
        outcome: Where the operator then runs; None: as before, but with a warning.
        reason: The rule, for people.
        remedy: What to do.
        source: Where the rule is from.
    """

    check: Callable[..., str | None]
    values: tuple[Any, ...]
    operators: frozenset[str]
    outcome: Place | None
    reason: str
    remedy: str
    source: Source


@dataclass(frozen=True)
class ModelRule:
    """What follows where a check finds something in a model.

    Attributes:
        check: Function of a graph and `values`; returns what it found, or None.
        values: Settings of the check.
        level: What that means for the model.
        reason: The rule, for people.
        remedy: What to do, or empty.
        source: Where the rule is from.
    """

    check: Callable[..., str | None]
    values: tuple[Any, ...]
    level: Level
    reason: str
    remedy: str
    source: Source


@dataclass(frozen=True)
class OperatorList:
    """Operators that the accelerator takes.

    Attributes:
        precision: `quantized` (8-bit data), `float`, or `any`.
        names: The operators.
        source: Where the list is from.
    """

    precision: str
    names: frozenset[str]
    source: Source


@dataclass(frozen=True)
class Fallback:
    """What follows for operators of a kind that no rule is about.

    Attributes:
        outcome: Where they run.
        reason: Why.
        remedy: What to do.
        source: Where that is from.
    """

    outcome: Place
    reason: str
    remedy: str
    source: Source


@dataclass(frozen=True)
class Advice:
    """What to do about an unknown version of one operator.

    Attributes:
        remedy: What to do.
        source: Where it is from that the version is not known.
    """

    remedy: str
    source: Source


@dataclass(frozen=True)
class Versions:
    """Highest operator versions of TFLite that the target's tools know.

    Attributes:
        highest: Version by operator; those not named are not known at all.
        advice: What to do for some operators, where it is not what `unknown` says.
        unknown: What follows for an operator, or a version, that is not known.
    """

    highest: dict[str, int]
    advice: dict[str, Advice]
    unknown: Fallback


@dataclass(frozen=True)
class FormatRules:
    """What a target takes in one file format.

    Attributes:
        lists: Operators that the accelerator takes.
        others: What follows for the other ones.
        versions: Highest versions known, or None if versions do not matter.
        operator_rules: Rules about one operator; the first that finds something decides.
        model_rules: Rules about a model as a whole.
        after_split: What follows for all that depends on an operator on the CPU, or None.
        boundary: Operators that may run on the CPU at either end of the model without
            taking those behind them along.
        compiled: Name of the operator that stands for a part already compiled for the
            target, or empty.
    """

    lists: tuple[OperatorList, ...]
    others: Fallback
    versions: Versions | None
    operator_rules: tuple[OperatorRule, ...]
    model_rules: tuple[ModelRule, ...]
    after_split: Fallback | None
    boundary: frozenset[str]
    compiled: str


@dataclass(frozen=True)
class Profile:
    """A target.

    Attributes:
        name: Its name, as `--target` takes it.
        title: What it is, with the version the rules are of.
        accelerator: What its accelerator is called.
        scheme: Its quantization scheme, for people.
        models: How the files of a bundle are made, the preferred one first.
        notes: What else to know.
        sources: The documents the rules are from, by short name.
        formats: What it takes, by file format.
    """

    name: str
    title: str
    accelerator: str
    scheme: str
    models: tuple[Recipe, ...]
    notes: tuple[str, ...]
    sources: dict[str, Source]
    formats: dict[str, FormatRules]


def load_profile(target: str) -> Profile:
    """Load the profile of a target.

    Raises:
        UserError: If there is no such target.
    """
    if target not in TARGETS:
        raise UserError(f"unknown target {target!r}: choose one of {', '.join(TARGETS)}")
    text = (resources.files(__package__) / target / PROFILE_FILE).read_text(encoding="utf-8")
    raw = tomllib.loads(text)
    sources = {name: Source(**source) for name, source in raw["sources"].items()}
    return Profile(
        name=target,
        title=raw["title"],
        accelerator=raw["accelerator"],
        scheme=raw["scheme"],
        models=tuple(map(_recipe, raw["models"])),
        notes=tuple(raw["notes"]),
        sources=sources,
        formats={name: _format(rules, sources) for name, rules in raw["formats"].items()},
    )


def page_of(target: str) -> bytes:
    """Return the page of instructions of a target, Markdown, which goes into its bundles."""
    return (resources.files(__package__) / target / PAGE_FILE).read_bytes()


def _recipe(raw: dict[str, str]) -> Recipe:
    return Recipe(
        raw["file"],
        Format(raw["format"]),
        Precision(raw["precision"]),
        Scheme(raw.get("scheme", Scheme.ASYMMETRIC)),
        Upsampling(raw.get("upsampling", Upsampling.TRANSPOSED)),
    )


def _format(raw: dict[str, Any], sources: dict[str, Source]) -> FormatRules:
    versions, split = raw.get("versions"), raw.get("after_split")
    return FormatRules(
        lists=tuple(
            OperatorList(part["precision"], frozenset(part["names"]), sources[part["source"]])
            for part in raw["operators"]
        ),
        others=_fallback(raw["others"], sources),
        versions=_versions(versions, sources) if versions else None,
        operator_rules=tuple(_operator_rule(rule, sources) for rule in raw["operator_rules"]),
        model_rules=tuple(_model_rule(rule, sources) for rule in raw["model_rules"]),
        after_split=_fallback(split, sources) if split else None,
        boundary=frozenset(raw.get("boundary", ())),
        compiled=raw.get("compiled", ""),
    )


def _versions(raw: dict[str, Any], sources: dict[str, Source]) -> Versions:
    advice = {
        operator: Advice(part["remedy"], sources[part["source"]])
        for operator, part in raw["advice"].items()
    }
    return Versions(raw["highest"], advice, _fallback(raw, sources))


def _fallback(raw: dict[str, Any], sources: dict[str, Source]) -> Fallback:
    return Fallback(Place(raw["outcome"]), raw["reason"], raw["remedy"], sources[raw["source"]])


def _operator_rule(raw: dict[str, Any], sources: dict[str, Source]) -> OperatorRule:
    outcome = raw["outcome"]
    return OperatorRule(
        check=OPERATOR_CHECKS[raw["check"]],
        values=tuple(raw.get("values", ())),
        operators=frozenset(raw.get("operators", ())),
        outcome=None if outcome == Level.WARNING else Place(outcome),
        reason=raw["reason"],
        remedy=raw["remedy"],
        source=sources[raw["source"]],
    )


def _model_rule(raw: dict[str, Any], sources: dict[str, Source]) -> ModelRule:
    return ModelRule(
        check=MODEL_CHECKS[raw["check"]],
        values=tuple(raw.get("values", ())),
        level=Level(raw["level"]),
        reason=raw["reason"],
        remedy=raw.get("remedy", ""),
        source=sources[raw["source"]],
    )
