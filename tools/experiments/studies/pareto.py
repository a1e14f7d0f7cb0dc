"""The plot to choose a network by: AUROC against time, with the size of the file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ganad_tf.evaluation.plots import ANOMALY_COLOR, DOTS_PER_INCH, NORMAL_COLOR
from ganad_tf.system.files import replacing

AREA_A_KILOBYTE = 0.8
"""Area of a dot, in square points."""


@dataclass(frozen=True)
class Choice:
    """A network.

    Attributes:
        label: Its name.
        microseconds: Time an image.
        auroc: AUROC of its int8 file.
        size: Bytes of that file.
    """

    label: str
    microseconds: float
    auroc: float
    size: float


def pareto_front(choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices that no other beats in time and AUROC alike, fastest first."""
    front: list[Choice] = []
    for choice in sorted(choices, key=lambda choice: (choice.microseconds, -choice.auroc)):
        if not front or choice.auroc > front[-1].auroc:
            front.append(choice)
    return front


def plot_choices(choices: Sequence[Choice], title: str, path: Path) -> None:
    """Plot choices as dots, their area the size of the file, and the Pareto front as a line.

    Args:
        choices: What to plot, at least one.
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
    axes.set(title=title, xlabel="µs an image, one thread", ylabel="AUROC of the int8 file")
    axes.legend(loc="lower right", fontsize=8, markerscale=0.4)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH, format="png")


def _area(choice: Choice) -> float:
    return choice.size / 1000 * AREA_A_KILOBYTE
