"""The table of the baselines: a row a method, a column a normal class, and their mean."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from tools.paper_table import NOTHING, Figure

Result = dict[str, Any]
DESCRIPTIONS = {
    "autoencoder": "the generator, L1 on normal images",
    "autoencoder-no-skips": "the same without skip connections",
    "ganomaly": "GANomaly's losses and score, without skip connections as in the original",
    "classifier": "encoder and logistic head, on normal images and sampled anomalies",
}

Cells = dict[str, dict[str, Figure]]


def collect(results: Sequence[Result], labels: Mapping[int, str]) -> Cells:
    """Return the AUROC over seeds of each method and class that there are.

    Args:
        results: What `run_baseline` returned, in any order.
        labels: The label of each class.

    Returns:
        Figures by method, then by label.
    """
    cells: Cells = {}
    for method in DESCRIPTIONS:
        for normal_class, label in labels.items():
            values = [
                result["auroc"]["value"]
                for result in results
                if result["method"] == method
                and result["config"]["data"]["normal_class"] == normal_class
            ]
            if values:
                cells.setdefault(method, {})[label] = Figure.over(values)
    return cells


def to_markdown(cells: Cells, labels: Sequence[str], command: str) -> str:
    """Write AUROCs on the test split as a Markdown table.

    A mean stands only where a method has all classes, so that means compare like with like.

    Args:
        cells: From `collect`.
        labels: The columns.
        command: What makes this table.
    """
    lines = [
        f"AUROC on the test split, by normal class. Made by `{command}`.",
        "",
        f"| method | what | {' | '.join(labels)} | mean |",
        f"|---|---|{'---|' * (len(labels) + 1)}",
    ]
    for method, figures in cells.items():
        row = [figures[label].text() if label in figures else NOTHING for label in labels]
        is_complete = len(figures) == len(labels)
        mean = f"{fmean(f.mean for f in figures.values()):.4f}" if is_complete else NOTHING
        lines.append(f"| {method} | {DESCRIPTIONS[method]} | {' | '.join(row)} | {mean} |")
    return "\n".join(lines) + "\n"
