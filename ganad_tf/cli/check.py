"""`ganad-tf check`."""

import json
import sys
from pathlib import Path

import click

from ganad_station.exit_codes import NOT_MAPPED
from ganad_tf.targets.profile import TARGETS, load_profile
from ganad_tf.targets.report import CheckReport, OperatorRow, Place


@click.command("check")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", required=True, help=f"The target: {', '.join(TARGETS)}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def check_command(model: Path, target: str, as_json: bool) -> None:
    """Check a .tflite or .onnx file against a target, operator by operator.

    The exit code is 1 if an operator falls back to the CPU or is refused.
    """
    from ganad_tf.targets.check import check

    report = check(model, load_profile(target))
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2))
    else:
        _print(report)
    if not report.is_mapped:
        sys.exit(NOT_MAPPED)


def _print(report: CheckReport) -> None:
    click.echo(f"{report.model} on {report.title}")
    names = [_name(row) for row in report.rows]
    places = [_place(row, report.accelerator) for row in report.rows]
    name_width = max(map(len, ("operator", *names)))
    place_width = max(map(len, ("runs on", *places)))
    click.echo(
        f"  {'#':>3}  {'operator':<{name_width}}  {'runs on':<{place_width}}  why, what to do"
    )
    for row, name, place in zip(report.rows, names, places, strict=True):
        why = _joined(row.reason, row.remedy)
        line = f"  {row.index:>3}  {name:<{name_width}}  {place:<{place_width}}  {why}"
        click.echo(line.rstrip())
    for finding in report.findings:
        click.echo(f"{finding.level}: {_joined(finding.reason, finding.remedy)}")
    click.echo(report.summary)


def _name(row: OperatorRow) -> str:
    return f"{row.operator} v{row.version}" if row.version else row.operator


def _place(row: OperatorRow, accelerator: str) -> str:
    return {Place.ACCELERATOR: accelerator, Place.CPU: "CPU", Place.REFUSED: "refused"}[row.place]


def _joined(reason: str, remedy: str) -> str:
    return f"{reason}: {remedy}" if remedy else reason
