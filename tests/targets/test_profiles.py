"""Profiles are data: complete, sourced, and of names that exist."""

import onnx.defs
import pytest
from ai_edge_litert import schema_py_generated as schema

from ganad_tf.errors import UserError
from ganad_tf.targets.model_checks import MODEL_CHECKS
from ganad_tf.targets.operator_checks import OPERATOR_CHECKS
from ganad_tf.targets.profile import TARGETS, FormatRules, Profile, Source, load_profile

PROFILES = [load_profile(target) for target in TARGETS]
FORMATS = [
    pytest.param(name, rules, id=f"{profile.name}-{name}")
    for profile in PROFILES
    for name, rules in profile.formats.items()
]


def sources_of(rules: FormatRules) -> set[Source]:
    parts = [*rules.lists, *rules.operator_rules, *rules.model_rules, rules.others]
    parts += [rules.after_split] if rules.after_split else []
    if rules.versions:
        parts += [rules.versions.unknown, *rules.versions.advice.values()]
    return {part.source for part in parts}


def operators_of(rules: FormatRules) -> set[str]:
    named = {name for part in rules.lists for name in part.names}
    named |= {name for rule in rules.operator_rules for name in rule.operators}
    named |= rules.boundary
    if rules.versions:
        named |= {*rules.versions.highest, *rules.versions.advice}
    return named


@pytest.mark.parametrize(("format_name", "rules"), FORMATS)
def test_every_operator_exists(format_name: str, rules: FormatRules) -> None:
    if format_name == "tflite":
        known = set(vars(schema.BuiltinOperator))
    else:
        known = {known.name for known in onnx.defs.get_all_schemas_with_history()}
    assert operators_of(rules) <= known


@pytest.mark.parametrize(("format_name", "rules"), FORMATS)
def test_every_rule_says_why_what_to_do_and_who_says_so(
    format_name: str, rules: FormatRules
) -> None:
    assert all(rule.reason and rule.remedy for rule in (*rules.operator_rules, rules.others))
    assert all(rule.reason for rule in rules.model_rules)
    for source in sources_of(rules):
        assert source.title
        assert source.url.startswith("https://")


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_profile_describes_itself(profile: Profile) -> None:
    assert profile.name in TARGETS
    assert profile.title
    assert profile.scheme
    assert profile.notes


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_source_is_that_of_a_rule(profile: Profile) -> None:
    used = {source for rules in profile.formats.values() for source in sources_of(rules)}
    assert used == set(profile.sources.values())


def test_every_check_is_used() -> None:
    used = {
        rule.check
        for profile in PROFILES
        for rules in profile.formats.values()
        for rule in (*rules.operator_rules, *rules.model_rules)
    }
    assert used == {*OPERATOR_CHECKS.values(), *MODEL_CHECKS.values()}


def test_what_the_edge_tpu_takes_has_a_version_that_its_compiler_knows() -> None:
    rules = load_profile("coral").formats["tflite"]
    assert rules.versions is not None
    taken = {name for part in rules.lists for name in part.names}
    assert taken <= set(rules.versions.highest)
    assert rules.versions.highest["TRANSPOSE_CONV"] == 3
    assert rules.versions.highest["CONV_2D"] == 5


def test_an_unknown_target_is_named_with_those_there_are() -> None:
    with pytest.raises(UserError, match="unknown target 'corel': choose one of coral, jetson, cpu"):
        load_profile("corel")
