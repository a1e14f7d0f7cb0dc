"""The plots of tables: AUROC of each class, and AUROC against time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ganad_tf.evaluation.plots import ANOMALY_COLOR, DOTS_PER_INCH, NORMAL_COLOR
from ganad_tf.system.files import replacing
from tools.experiments.markdown import average
from tools.experiments.references import paper_average
from tools.experiments.table import FLOAT_AUROC, INT8_AUROC, Filled

SHIFT = 0.12
"""Distance of the two dots of a class from its middle, in classes."""
AREA_PER_KILOBYTE = 0.8
"""Area of a dot, in square points."""


def plot_classes(filled: Filled, folder: Path, dataset: str) -> None:
    """Plot the AUROC of each class, float and int8, with deviations over several seeds.

    Args:
        filled: The table, with at least one result.
        folder: Where `auroc.png` goes.
        dataset: Name of the data set, for the title and the paper's average.
    """
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    labels = filled.labels
    for name, measure, shift, color, marker in (
        ("float", FLOAT_AUROC, -SHIFT, NORMAL_COLOR, "o"),
        ("int8", INT8_AUROC, SHIFT, ANOMALY_COLOR, "s"),
    ):
        found = {
            place: of
            for place, label in enumerate(labels)
            if (of := measure.figure(filled.of(label))) is not None
        }
        mean = average(filled, measure)
        axes.errorbar(
            [place + shift for place in found],
            [of.mean for of in found.values()],
            [of.deviation or 0.0 for of in found.values()],
            fmt=marker,
            markersize=5,
            color=color,
            label=f"{name}, average {mean:.4f}",
        )
        axes.axhline(mean, color=color, linewidth=1, linestyle=":")
    paper = paper_average(dataset)
    if paper is not None:
        axes.axhline(paper, color="black", linewidth=1, linestyle="--", label=f"the paper {paper}")
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    title = f"{dataset}: one class is normal"
    axes.set(title=title, ylabel="AUROC, test split", xlim=(-0.5, len(labels) - 0.5))
    axes.legend(fontsize=8)
    _save(figure, folder / "auroc.png")


@dataclass(frozen=True)
class Choice:
    """A network to choose from.

    Attributes:
        label: Label of its dot.
        microseconds: Time per image.
        auroc: AUROC of its int8 file.
        size: Bytes of that file.
    """

    label: str
    microseconds: float
    auroc: float
    size: float


def pareto_front(choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices that no other beats in both time and AUROC, fastest first."""
    front: list[Choice] = []
    for choice in sorted(choices, key=lambda choice: (choice.microseconds, -choice.auroc)):
        if not front or choice.auroc > front[-1].auroc:
            front.append(choice)
    return front


def plot_choices(choices: Sequence[Choice], title: str, path: Path) -> None:
    """Plot networks as dots with the area of their file size, and the Pareto front as a line.

    Args:
        choices: The networks, at least one.
        title: Title of the plot.
        path: The PNG file to write.
    """
    figure = Figure(figsize=(6.5, 4.5), layout="constrained")
    axes = figure.subplots()
    front = pareto_front(choices)
    axes.plot(
        [choice.microseconds for choice in front],
        [choice.auroc for choice in front],
        color=ANOMALY_COLOR,
        linewidth=1,
        label="Pareto front",
    )
    axes.scatter(
        [choice.microseconds for choice in choices],
        [choice.auroc for choice in choices],
        [_area(choice) for choice in choices],
        color=NORMAL_COLOR,
        alpha=0.6,
        label="area: size of the file",
    )
    for choice in choices:
        axes.annotate(
            f"{choice.label}, {choice.size / 1000:.0f} kB",
            (choice.microseconds, choice.auroc),
            xytext=(0, -math.sqrt(_area(choice) / math.pi) - 4),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
        )
    axes.margins(0.2)
    axes.set(title=title, xlabel="µs per image, one thread", ylabel="AUROC of the int8 file")
    axes.legend(loc="lower right", fontsize=8, markerscale=0.4)
    _save(figure, path)


def _area(choice: Choice) -> float:
    return choice.size / 1000 * AREA_PER_KILOBYTE


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH, format="png")
