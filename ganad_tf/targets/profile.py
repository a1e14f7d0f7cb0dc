"""Profiles of targets: one TOML file per target, with the rules of what it supports.

A rule names a check of `operator_checks` or `model_checks`, the consequence of a finding, the
reason, the remedy, and the public document that it is taken from.
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
        title: Title with the version of the document.
        url: Address of the document.
    """

    title: str
    url: str


@dataclass(frozen=True)
class OperatorRule:
    """The consequence of a finding in an operator.

    Attributes:
        check: Function of an operator and `values` that returns its finding in words, or None.
        values: Further arguments of the check.
        operators: Names of the operators that the rule applies to; empty for all.
        outcome: The place where the operator runs; None if there is only a warning.
        reason: The rule in words.
        remedy: What to do about it.
        source: The document that the rule is taken from.
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
    """The consequence of a finding in a model.

    Attributes:
        check: Function of a graph and `values` that returns its finding in words, or None.
        values: Further arguments of the check.
        level: Severity of the finding.
        reason: The rule in words.
        remedy: What to do about it; empty if there is nothing to do.
        source: The document that the rule is taken from.
    """

    check: Callable[..., str | None]
    values: tuple[Any, ...]
    level: Level
    reason: str
    remedy: str
    source: Source


@dataclass(frozen=True)
class OperatorList:
    """Operators that the accelerator supports.

    Attributes:
        precision: The data they are supported for: `quantized` (8 bits), `float`, or `any`.
        names: Names of the operators.
        source: The document that the list is taken from.
    """

    precision: str
    names: frozenset[str]
    source: Source


@dataclass(frozen=True)
class Fallback:
    """The consequence for operators that no list or rule covers.

    Attributes:
        outcome: The place where they run.
        reason: The reason in words.
        remedy: What to do about it.
        source: The document that this is taken from.
    """

    outcome: Place
    reason: str
    remedy: str
    source: Source


@dataclass(frozen=True)
class Advice:
    """The remedy for an unknown version of one operator.

    Attributes:
        remedy: What to do about it.
        source: The document that says that the version is not supported.
    """

    remedy: str
    source: Source


@dataclass(frozen=True)
class Versions:
    """The highest operator versions of TFLite that the tools of a target know.

    Attributes:
        highest: Highest version by operator; other operators are not known at all.
        advice: Advice by operator, which replaces the remedy of `unknown`.
        unknown: The consequence of an operator or a version that is not known.
    """

    highest: dict[str, int]
    advice: dict[str, Advice]
    unknown: Fallback


@dataclass(frozen=True)
class FormatRules:
    """The rules of a target for one file format.

    Attributes:
        lists: The operators that the accelerator supports.
        others: The consequence for all other operators.
        versions: The highest known versions; None if versions do not matter.
        operator_rules: Rules for one operator; the first one with a finding decides.
        model_rules: Rules for a model as a whole.
        after_split: The consequence for operators that depend on one on the CPU; None if there is
            none.
        boundary: Operators that may run on the CPU at either end of the model without `after_split`
            applying to those that depend on them.
        compiled: Name of the operator that represents a part already compiled for the target; empty
            if there is none.
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
        name: Name of the target, as in `--target`.
        title: Description of the target, with the version that the rules hold for.
        accelerator: Name of its accelerator.
        scheme: Its quantization scheme in words.
        models: Recipes of the model files in a bundle, the preferred one first.
        notes: Further facts.
        sources: The documents that the rules are taken from, by short name.
        formats: Rules by file format.
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
        UserError: If the target is unknown.
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
    """Return the instructions for a target, in Markdown, which are part of its bundles."""
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
