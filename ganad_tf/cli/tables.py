"""The tables that commands print."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ganad_station.depth import describe_white_level
from ganad_station.printing import printable
from ganad_station.threshold import percent
from ganad_tf.config.defaults import MAX_RATE_RISE

if TYPE_CHECKING:
    from pathlib import Path

    from ganad_tf.data_check.facts import DataFacts
    from ganad_tf.evaluation.intervals import Estimate
    from ganad_tf.evaluation.measure import Evaluation
    from ganad_tf.exporting.comparison import Verification


def print_table(rows: list[tuple[str, str]]) -> None:
    """Print two aligned columns."""
    _print_columns(rows, "<<")


def _print_columns(rows: Sequence[tuple[str, ...]], alignments: str) -> None:
    """Print aligned columns.

    Args:
        rows: The cells of each row.
        alignments: One character per column: `<` to align to the left, `>` to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            f"{cell:{alignment}{width}}"
            for cell, alignment, width in zip(row, alignments, widths, strict=True)
        )
        click.echo(f"  {'  '.join(cells)}".rstrip())


def print_evaluation(evaluation: "Evaluation") -> None:
    """Print the verdict, and the figures of an evaluation with their confidence intervals."""
    from ganad_tf.evaluation.measure import FALSE_REJECT_RATES

    click.echo(evaluation.verdict)
    normals, anomalies = evaluation.normal_images, evaluation.images - evaluation.normal_images
    counts = f"{normals} good and {anomalies} defective pictures"
    if evaluation.parts < evaluation.images:
        counts += f" of {evaluation.normal_parts} and {evaluation.anomalous_parts} parts"
    by_part = evaluation.auroc_of_parts
    click.echo(f"test split, {counts} [95 % interval]")
    print_table(
        [
            ("AUROC", f"{evaluation.auroc}"),
            *([("AUROC of parts, by mean score", f"{by_part}")] if by_part is not None else []),
            ("average precision", f"{evaluation.average_precision}"),
            ("best F1", f"{evaluation.best_f1}"),
            ("threshold", f"{evaluation.threshold:.5f}, {evaluation.promise}"),
            ("false-reject rate", _rate_row(evaluation.false_reject_rate, normals)),
            ("miss rate", _rate_row(evaluation.miss_rate, anomalies)),
            *(_recall_row(evaluation, rate) for rate in FALSE_REJECT_RATES),
        ]
    )
    if evaluation.localization is not None:
        found = evaluation.localization
        click.echo(f"error maps against the masks of {found.pictures} pictures")
        print_table([("pixel AUROC", f"{found.pixel_auroc}"), ("AUPRO", f"{found.aupro}")])
    if len(evaluation.auroc_by_kind) > 1:
        click.echo(f"AUROC by kind of anomaly against {normals} good pictures, worst first")
        print_table(_kind_rows(evaluation))


def _rate_row(rate: "Estimate", pictures: int) -> str:
    return f"{rate}, {round(rate.value * pictures)} of {pictures} pictures"


def _recall_row(evaluation: "Evaluation", rate: float) -> tuple[str, str]:
    from ganad_tf.evaluation.words import describe_unresolved

    recall = evaluation.recall_at.get(f"{rate:g}")
    found = describe_unresolved(rate, evaluation.normal_parts) if recall is None else f"{recall}"
    return f"found at {percent(rate)} false rejects", found


def _kind_rows(evaluation: "Evaluation") -> list[tuple[str, str]]:
    rows = []
    for name, estimate in evaluation.worst_kinds_first:
        mark = ", unseen" if name in evaluation.unseen_kinds else ""
        count = evaluation.images_by_kind.get(name)
        pictures = "" if count is None else f", {count} picture{'s' if count > 1 else ''}"
        rows.append((f"{name}{mark}", f"{estimate}{pictures}"))
    for name, together in (
        ("all seen kinds", evaluation.seen_auroc),
        ("all unseen kinds", evaluation.unseen_auroc),
    ):
        if together is not None:
            rows.append((name, f"{together}"))
    return rows


def print_verifications(paths: "list[Path]", verifications: "list[Verification]") -> None:
    """Print how exported files compare with their float model, one row per file and runtime."""
    first = verifications[0]
    click.echo(
        f"compared with the float model, AUROC {first.float_auroc:.5f}, on {first.images} test "
        f"images; the AUROC may fall by {first.max_drop}, the rates of false rejects and misses "
        f"may rise by {MAX_RATE_RISE:.0%}; figures in brackets are 95 % sure"
    )
    header = ("file", "runtime", "AUROC", "difference", "false rejects", "misses", "threshold", "")
    rows: list[tuple[str, ...]] = [header]
    for path, verification in zip(paths, verifications, strict=True):
        rows += _verification_rows(path, verification)
    _print_columns(rows, "<" * len(header))
    for path, verification in zip(paths, verifications, strict=True):
        size, ratio = verification.exported_bytes, verification.compression
        reason = verification.reason
        click.echo(
            f"{path.parent.name}/{path.name}: {size:,} bytes (1/{ratio:.2f}), "
            f"{verification.outcome.value}{f', {reason}' if reason else ''}"
        )


def _verification_rows(path: "Path", verification: "Verification") -> list[tuple[str, ...]]:
    return [
        (
            f"{path.parent.name}/{path.name}",
            name,
            f"{comparison.exported_auroc:.5f}",
            f"{comparison.difference.value:+.5f} (at least {comparison.difference.low:+.5f})",
            f"{comparison.false_rejects}",
            f"{comparison.misses}",
            f"{verification.exported_threshold:.5f}",
            comparison.outcome.value,
        )
        for name, comparison in verification.runtimes.items()
    ]


def _grouping(facts: "DataFacts") -> str:
    from ganad_tf.data.csv_list import LAYOUT

    if facts.parts is None or facts.parts.grouped_by == "near-duplicates":
        return "near duplicates"
    return "the groups of the list" if facts.layout == LAYOUT else "folder"


def print_data_facts(facts: "DataFacts", warnings: list[str]) -> None:
    """Print what a check of pictures found, with one row per kind, and the warnings."""
    click.echo(f"read as: {facts.layout}")
    rows = [("kind", "pictures", "masks", "defect", "brightness")]
    for name, kind in facts.kinds.items():
        fraction = kind.median_defect_share
        covered = "" if fraction is None else f"{fraction:.1%}"
        rows.append(
            (printable(name), f"{kind.count}", f"{kind.masks}", covered, f"{kind.brightness:.0f}")
        )
    _print_columns(rows, "<>>>>")
    click.echo("defect: median fraction of the pixels that the masks mark; brightness: 0 to 255")
    colors = f"{facts.color} in color, {facts.pictures - facts.color} grey"
    heights, widths = ("/".join(map(str, spread)) for spread in (facts.heights, facts.widths))
    found = [
        ("height (least/median/most)", heights),
        ("width", widths),
        ("color", colors),
        ("depth", _depth(facts)),
        ("at 0, at the white level", f"{facts.black:.1%}, {facts.white:.1%} of the pixels"),
    ]
    if facts.parts is not None:
        found.append(("parts", f"{facts.parts.count}, by {_grouping(facts)}"))
    if facts.worse_mirrored is not None:
        found.append(("worse if mirrored", f"{facts.worse_mirrored:.0%} of the good pictures"))
    print_table(found)
    for problems in (facts.unreadable, facts.mask_problems):
        for name, problem in problems.items():
            click.echo(printable(f"  {name}: {problem}"))
    for folder in facts.unlistable:
        click.echo(printable(f"  {folder}: cannot be listed"))
    for note in facts.notes:
        click.echo(printable(f"  {note}"))
    for warning in warnings:
        click.echo(printable(f"! {warning}"))


def _depth(facts: "DataFacts") -> str:
    depth, counts = facts.depth, []
    if depth.eight_bits:
        counts.append(f"{depth.eight_bits} of 8 bits")
    if depth.white_level is not None:
        found = f"{describe_white_level(depth.white_level)}, largest level {depth.largest}"
        counts.append(f"{depth.more_bits} of more ({found})")
    return ", ".join(counts)
