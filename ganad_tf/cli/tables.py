"""Small tables for people."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
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


def print_verification(verification: "Verification") -> None:
    """Print an exported file against the float model."""
    smaller = verification.float_bytes / verification.exported_bytes
    to_reject, to_accept = verification.flipped_to_reject, verification.flipped_to_accept
    flips = f"{to_reject + to_accept} ({to_reject} to NG, {to_accept} to OK)"
    outcome = "verified" if verification.is_verified else "NOT VERIFIED"
    click.echo(f"{verification.model} against the float model, {verification.images} test images")
    print_table(
        [
            ("AUROC, float", f"{verification.float_auroc:.5f}"),
            ("AUROC, exported", f"{verification.exported_auroc:.5f}"),
            ("difference [95 % interval]", f"{verification.difference:+.5f}"),
            ("rank correlation", f"{verification.rank_correlation:.5f}"),
            (f"decisions flipped at {verification.threshold:.5f}", flips),
            ("float weights", f"{verification.float_bytes:,} bytes"),
            (
                "exported file",
                f"{verification.exported_bytes:,} bytes, {smaller:.2f} times smaller",
            ),
            (outcome, f"the AUROC may drop by {verification.max_drop}"),
        ]
    )
