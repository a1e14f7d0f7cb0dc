"""Checking a model file against a target."""

from pathlib import Path

from ganad_tf.errors import UserError
from ganad_tf.targets.graph import EIGHT_BITS, Graph, Operator, Tensor
from ganad_tf.targets.model_checks import enumerate_some
from ganad_tf.targets.profile import Fallback, FormatRules, OperatorRule, Profile, Versions
from ganad_tf.targets.reading import read_graph
from ganad_tf.targets.report import CheckReport, Finding, Level, OperatorRow, Place

LEVELS = list(Level)

Verdict = tuple[Place, str, str, str]
"""The place where an operator runs, and the reason, remedy and source URL if that is not the
accelerator."""

ACCELERATED: Verdict = (Place.ACCELERATOR, "", "", "")


def check(model_path: Path, profile: Profile) -> CheckReport:
    """Check a model file against a target, operator by operator.

    Nothing is run, and TensorFlow is not needed.

    Args:
        model_path: A `.tflite` or `.onnx` file.
        profile: The target, from `load_profile`.

    Returns:
        The place where each operator runs, and the findings about the whole model.

    Raises:
        UserError: If the file cannot be read, has a format that the target does not take, or is
            already compiled for it.
    """
    graph = read_graph(model_path)
    rules = _rules(model_path, graph, profile)
    verdicts = [_judge(operator, rules) for operator in graph.operators]
    verdicts = _after_split(graph, verdicts, rules)
    findings = [*_model_findings(graph, rules), *_operator_warnings(graph, rules)]
    return CheckReport(
        model=str(model_path),
        format=graph.format,
        target=profile.name,
        title=profile.title,
        accelerator=profile.accelerator,
        rows=tuple(
            _row(index, operator, verdict)
            for index, (operator, verdict) in enumerate(zip(graph.operators, verdicts, strict=True))
        ),
        findings=tuple(sorted(findings, key=lambda finding: LEVELS.index(finding.level))),
    )


def _rules(path: Path, graph: Graph, profile: Profile) -> FormatRules:
    if graph.format not in profile.formats:
        raise UserError(
            f"{path} is a {graph.format} file, but {profile.name} takes "
            f"{' or '.join(profile.formats)}: export the model for {profile.name}"
        )
    rules = profile.formats[graph.format]
    if any(operator.kind == rules.compiled for operator in graph.operators):
        raise UserError(
            f"{path} is already compiled for {profile.name}: check the file it was compiled from"
        )
    return rules


def _judge(operator: Operator, rules: FormatRules) -> Verdict:
    if rules.versions and not operator.is_custom:
        found = _unknown_version(operator, rules.versions)
        if found:
            return _refused_version(operator, rules.versions, found)
    for rule in rules.operator_rules:
        if rule.outcome is None:
            continue
        found = _found(rule, operator)
        if found:
            reason = f"{rule.reason} ({found})"
            return rule.outcome, reason, rule.remedy, rule.source.url
    is_listed = any(
        operator.kind in part.names and part.precision in ("any", _precision(operator))
        for part in rules.lists
    )
    return ACCELERATED if is_listed else _verdict(rules.others, _described(operator))


def _unknown_version(operator: Operator, versions: Versions) -> str | None:
    highest = versions.highest.get(operator.kind)
    if highest is None:
        return f"{operator.kind} came later"
    if operator.version > highest:
        return f"{operator.kind} version {operator.version}, {highest} is the highest"
    return None


def _found(rule: OperatorRule, operator: Operator) -> str | None:
    if rule.operators and operator.kind not in rule.operators:
        return None
    return rule.check(operator, *rule.values)


def _refused_version(operator: Operator, versions: Versions, found: str) -> Verdict:
    verdict = _verdict(versions.unknown, found)
    advice = versions.advice.get(operator.kind)
    return (*verdict[:2], advice.remedy, advice.source.url) if advice else verdict


def _verdict(fallback: Fallback, found: str) -> Verdict:
    reason = f"{fallback.reason} ({found})"
    return fallback.outcome, reason, fallback.remedy, fallback.source.url


def _described(operator: Operator) -> str:
    precision = _precision(operator)
    return f"{operator.kind}, {precision}" if precision else operator.kind


def _precision(operator: Operator) -> str:
    types = {tensor.dtype for tensor in operator.data or operator.outputs}
    if types & {*EIGHT_BITS}:
        return "quantized"
    return "float" if any(dtype.startswith("float") for dtype in types) else ""


def _after_split(graph: Graph, verdicts: list[Verdict], rules: FormatRules) -> list[Verdict]:
    """Move what depends on an operator on the CPU there, too, if the target splits a model once."""
    if rules.after_split is None:
        return verdicts
    behind: dict[Tensor, str] = {}
    placed = []
    for operator, verdict in zip(graph.operators, verdicts, strict=True):
        origin = next((behind[t] for t in operator.inputs if t is not None and t in behind), None)
        if origin and verdict[0] == Place.ACCELERATOR:
            verdict = _verdict(rules.after_split, origin)  # noqa: PLW2901
        if origin or (verdict[0] == Place.CPU and not _is_boundary(operator, rules)):
            behind |= dict.fromkeys(operator.outputs, origin or f"behind {operator.kind}")
        placed.append(verdict)
    return placed


def _is_boundary(operator: Operator, rules: FormatRules) -> bool:
    is_first = all(tensor is not None and tensor.is_end for tensor in operator.inputs)
    is_last = all(tensor.is_end for tensor in operator.outputs)
    return operator.kind in rules.boundary and (is_first or is_last)


def _model_findings(graph: Graph, rules: FormatRules) -> list[Finding]:
    findings = []
    for rule in rules.model_rules:
        found = rule.check(graph, *rule.values)
        if found:
            reason = f"{rule.reason} ({found})"
            findings.append(Finding(rule.level, reason, rule.remedy, rule.source.url))
    return findings


def _operator_warnings(graph: Graph, rules: FormatRules) -> list[Finding]:
    warnings = []
    for rule in rules.operator_rules:
        if rule.outcome is not None:
            continue
        found = [_found(rule, operator) for operator in graph.operators]
        details = [detail for detail in found if detail]
        if details:
            reason = f"{rule.reason} ({enumerate_some(details)})"
            warnings.append(Finding(Level.WARNING, reason, rule.remedy, rule.source.url))
    return warnings


def _row(index: int, operator: Operator, verdict: Verdict) -> OperatorRow:
    output = operator.outputs[0].name if operator.outputs else ""
    return OperatorRow(index, operator.kind, operator.version, output, *verdict)
