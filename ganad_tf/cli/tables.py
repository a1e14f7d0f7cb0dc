"""Small tables for people."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from ganad_tf.evaluation import Evaluation
    from ganad_tf.verification import Verification


def print_table(rows: list[tuple[str, str]]) -> None:
    """Print two aligned columns."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"  {name:<{width}}  {value}")


def print_evaluation(evaluation: "Evaluation") -> None:
    """Print the figures of an evaluation with their intervals."""
    rate = evaluation.requested_false_reject_rate
    click.echo("test split [95 % interval]")
    print_table(
        [
            ("AUROC", f"{evaluation.auroc}"),
            ("average precision", f"{evaluation.average_precision}"),
            ("best F1", f"{evaluation.best_f1}"),
            (
                "threshold",
                f"{evaluation.threshold:.5f}, for {rate:.2%} false rejects on validation",
            ),
            ("false-reject rate", f"{evaluation.false_reject_rate}"),
            ("miss rate", f"{evaluation.miss_rate}"),
        ]
    )
    if len(evaluation.auroc_by_kind) > 1:
        click.echo("AUROC by kind of anomaly, worst first")
        print_table(_kind_rows(evaluation))


def _kind_rows(evaluation: "Evaluation") -> list[tuple[str, str]]:
    kinds = sorted(evaluation.auroc_by_kind.items(), key=lambda item: item[1].value)
    rows = []
    for name, estimate in kinds:
        mark = ", unseen" if name in evaluation.unseen_kinds else ""
        rows.append((f"{name}{mark}", f"{estimate}"))
    for name, together in (
        ("all seen kinds", evaluation.seen_auroc),
        ("all unseen kinds", evaluation.unseen_auroc),
    ):
        if together is not None:
            rows.append((name, f"{together}"))
    return rows


def print_verifications(paths: "list[Path]", verifications: "list[Verification]") -> None:
    """Print exported files against their float model, a row each."""
    first = verifications[0]
    click.echo(
        f"against the float model, AUROC {first.float_auroc:.5f}, on {first.images} test images; "
        f"the AUROC may drop by {first.max_drop}, decisions at {first.threshold:.5f}"
    )
    header = ("file", "AUROC", "difference [95 % interval]", "rank corr.", "flips", "bytes", "")
    rows = [header, *map(_verification_row, paths, verifications)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo(f"  {'  '.join(cells)}".rstrip())


def _verification_row(path: "Path", verification: "Verification") -> tuple[str, ...]:
    to_reject, to_accept = verification.flipped_to_reject, verification.flipped_to_accept
    smaller = verification.float_bytes / verification.exported_bytes
    return (
        f"{path.parent.name}/{path.name}",
        f"{verification.exported_auroc:.5f}",
        f"{verification.difference:+.5f}",
        f"{verification.rank_correlation:.5f}",
        f"{to_reject} to NG, {to_accept} to OK",
        f"{verification.exported_bytes:,} (1/{smaller:.2f})",
        "verified" if verification.is_verified else "NOT VERIFIED",
    )
