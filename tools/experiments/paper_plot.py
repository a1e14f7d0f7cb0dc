"""The plot of a table: AUROC of each row, float and int8, and an average to compare with."""

from pathlib import Path

from matplotlib.figure import Figure

from ganad_tf.evaluation.plots import ANOMALY_COLOR, DOTS_PER_INCH, NORMAL_COLOR
from ganad_tf.system.files import replacing
from tools.experiments.table import Summary

SHIFT = 0.12
"""How far the two dots of a row stand apart from its middle, in rows."""


def plot_summary(summary: Summary, title: str, paper: float | None, path: Path) -> None:
    """Plot the rows of a summary as dots, with deviations over seeds where there are several.

    Args:
        summary: What to plot.
        title: Title of the plot.
        paper: The paper's average, None where it has none.
        path: The PNG file to write.
    """
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    labels = list(summary.rows)
    places = [labels.index(row.label) for row in summary.found]
    for name, shift, color, marker in (
        ("float", -SHIFT, NORMAL_COLOR, "o"),
        ("int8", SHIFT, ANOMALY_COLOR, "s"),
    ):
        figures = [getattr(row, f"{name}_auroc") for row in summary.found]
        average = getattr(summary, f"{name}_auroc")
        axes.errorbar(
            [place + shift for place in places],
            [figure.mean for figure in figures],
            [figure.deviation or 0.0 for figure in figures],
            fmt=marker,
            markersize=5,
            color=color,
            label=f"{name}, average {average:.4f}",
        )
        axes.axhline(average, color=color, linewidth=1, linestyle=":")
    if paper is not None:
        axes.axhline(paper, color="black", linewidth=1, linestyle="--", label=f"the paper {paper}")
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    axes.set(title=title, ylabel="AUROC, test split", xlim=(-0.5, len(labels) - 0.5))
    axes.legend(fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH, format="png")
