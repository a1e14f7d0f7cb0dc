"""Plots of a run and of a verification, as PNG files."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from ganad_tf.evaluation.frames import Frame, panel_ratio
from ganad_tf.evaluation.intervals import Estimate
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.run.history import EPOCH, Entry, validation_aurocs
from ganad_tf.system.files import replacing

NORMAL_COLOR, ANOMALY_COLOR = "#2a6f97", "#c1440e"
ERROR_COLORS = "inferno"
"""The color map of error maps, from black over red to bright yellow."""
SCALE_MARKS = 5
LEAST_ERROR = 1e-3
"""The least end of the scale of error maps, so that rounding does not look like an error."""
DOTS_PER_INCH = 110
SHEET_COLUMNS = 4
PANEL_INCHES = 1.2
"""Width and height of a panel of the sheet, with its title."""
TITLE_INCHES, GAP_INCHES, BAR_INCHES = 0.22, 0.06, 0.8
PANELS = ("input", "reconstruction", "error")
VALIDATION = "validation"


def plot_history(history: list[Entry], path: Path) -> None:
    """Plot the losses and the AUROC on validation over the epochs."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    losses, validation = figure.subplots(1, 2)
    epochs = [entry[EPOCH] for entry in history]
    validation.plot(epochs, validation_aurocs(history), color="black")
    for name in history[0]:
        if name != EPOCH and not name.startswith(VALIDATION):
            losses.plot(epochs, [entry[name] for entry in history], label=name.replace("_", " "))
    losses.set(title="losses, unweighted", xlabel="epoch", yscale="log")
    losses.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    validation.set(title="AUROC on validation", xlabel="epoch")
    save(figure, path)


def plot_roc(scored: ScoredSplit, area: Estimate, path: Path) -> None:
    """Plot the ROC curve with the area under it in the title."""
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    false_positive_rate, true_positive_rate, _ = roc_curve(scored.is_anomaly, scored.scores)
    axes.plot(false_positive_rate, true_positive_rate, color=ANOMALY_COLOR)
    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.set(title=f"AUROC {area}", xlabel="false-reject rate", ylabel="detection rate")
    save(figure, path)


def plot_scores(scored: ScoredSplit, threshold: float, path: Path) -> None:
    """Plot the histogram of the scores of each class with the threshold."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    bins = np.histogram_bin_edges(scored.scores, 60).tolist()
    for chosen, label, color in (
        (~scored.is_anomaly, "normal", NORMAL_COLOR),
        (scored.is_anomaly, "anomaly", ANOMALY_COLOR),
    ):
        axes.hist(scored.scores[chosen], bins, density=True, alpha=0.6, label=label, color=color)
    axes.axvline(threshold, color="black", linestyle="--", label=f"threshold {threshold:.4f}")
    axes.set(title="scores on the test split", xlabel="score", ylabel="density")
    axes.legend()
    save(figure, path)


def plot_sheet(
    images: NDArray[np.uint8],
    reconstructions: NDArray[np.float32],
    maps: NDArray[np.float32],
    frames: list[Frame],
    titles: list[str],
    scores: NDArray[np.float64],
    path: Path,
) -> None:
    """Show inputs, reconstructions and error maps side by side, four images per row.

    All error maps have one color scale, from 0 to the largest error in them.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        reconstructions: float32 `(count, height, width, channels)` in [0, 1].
        maps: float32 `(count, height, width)` in [0, 1], the error maps.
        frames: How each image is shown.
        titles: The title of each image, one line.
        scores: float64 `(count,)`, the score of each image, printed after its title.
        path: The PNG file to write.
    """
    rows = -(-len(images) // SHEET_COLUMNS)
    columns = SHEET_COLUMNS * len(PANELS)
    figure, grid = panel_grid(rows, columns, PANEL_INCHES, panel_ratio(frames))
    largest_error = max(float(maps.max()), LEAST_ERROR)
    for index, title in enumerate(titles):
        row, column = divmod(index, SHEET_COLUMNS)
        first = column * len(PANELS)
        panels = (images[index] / 255.0, reconstructions[index], maps[index])
        for axes, panel, name in zip(grid[row, first:], panels, PANELS, strict=False):
            colors, end = (ERROR_COLORS, largest_error) if name == "error" else ("gray", 1)
            frames[index].show(axes, panel.squeeze(), cmap=colors, vmin=0, vmax=end)
            axes.set_title(
                f"{title} {scores[index]:.3f}" if name == PANELS[1] else name, fontsize=6
            )
    add_error_scale(figure, largest_error)
    save(figure, path)


def panel_grid(rows: int, columns: int, inches: float, ratio: float) -> tuple[Figure, NDArray[Any]]:
    """Return a figure of panels, with room for a title above each and a color bar on the right.

    The places are computed here, because Matplotlib's layout of dozens of panels takes seconds.

    Args:
        rows: Number of rows of panels.
        columns: Number of panels in a row.
        inches: Width of a panel.
        ratio: Height of a panel without its title, as a multiple of its width.

    Returns:
        The figure, and its axes as an array `(rows, columns)`.
    """
    panel_height = ratio * inches + TITLE_INCHES
    width, height = columns * inches + BAR_INCHES, rows * panel_height
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    figure.subplots_adjust(
        left=GAP_INCHES / width,
        right=1 - BAR_INCHES / width,
        bottom=GAP_INCHES / height,
        top=1 - TITLE_INCHES / height,
        wspace=GAP_INCHES / inches,
        hspace=TITLE_INCHES / (panel_height - TITLE_INCHES),
    )
    return figure, grid


def add_error_scale(figure: Figure, largest: float) -> None:
    """Add the color bar of the error maps to a figure, with numbers from 0 to the largest error.

    Args:
        figure: The figure, from `panel_grid`.
        largest: The error at the end of the scale.
    """
    colors = ScalarMappable(Normalize(0, largest), ERROR_COLORS)
    marks = np.linspace(0, largest, SCALE_MARKS).tolist()
    places, width = figure.subplotpars, figure.get_figwidth()
    left = places.right + 2 * GAP_INCHES / width
    place = (left, places.bottom, BAR_INCHES / 6 / width, places.top - places.bottom)
    bar = figure.colorbar(
        colors, cax=figure.add_axes(place), label="error", ticks=marks, format="%.2g"
    )
    bar.ax.tick_params(labelsize=7)


def plot_agreement(
    scored: ScoredSplit,
    reference: NDArray[np.float64],
    threshold: float,
    float_threshold: float,
    path: Path,
) -> None:
    """Plot the scores of an exported file against those of the float model.

    Args:
        scored: The scores of the file.
        reference: float64 `(count,)`, the scores of the float model for the same images.
        threshold: The threshold of the file.
        float_threshold: The threshold of the float model.
        path: The PNG file to write.
    """
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    for chosen, label, color in (
        (scored.is_anomaly, "anomaly", ANOMALY_COLOR),
        (~scored.is_anomaly, "normal", NORMAL_COLOR),
    ):
        axes.plot(
            reference[chosen], scored.scores[chosen], ".", markersize=2, label=label, color=color
        )
    axes.axvline(float_threshold, color="black", linestyle="--", linewidth=1)
    axes.axhline(threshold, color="black", linestyle="--", linewidth=1)
    axes.set(title="score of each test image", xlabel="float model", ylabel="exported file")
    axes.legend(markerscale=5)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file, complete or not at all."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH, format="png")
