"""The figures of a report, as data URIs."""

import base64
import io

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from ganad_tf.data.labeled import DEFECT_PIXEL
from ganad_tf.evaluation.frames import Frame, panel_ratio
from ganad_tf.evaluation.plots import (
    ANOMALY_COLOR,
    DOTS_PER_INCH,
    ERROR_COLORS,
    NORMAL_COLOR,
    add_error_scale,
    panel_grid,
)
from ganad_tf.evaluation.scored_split import ScoredSplit

BINS = 50
CASE_COLUMNS = 2
PANEL_INCHES = 1.9
PANELS = ("picture", "error", "mask")
LEAST_RANGE = 1e-3


def curves(scored: ScoredSplit) -> str:
    """Draw the ROC curve and the precision-recall curve."""
    is_anomaly, scores = scored.is_anomaly, scored.scores
    figure = Figure(figsize=(8, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    false_positive_rate, true_positive_rate, _ = roc_curve(is_anomaly, scores)
    left.plot(false_positive_rate, true_positive_rate, color=ANOMALY_COLOR)
    left.plot([0, 1], [0, 1], ":", color="grey")
    left.set(title="ROC", xlabel="false-reject rate", ylabel="detection rate")
    precision, recall, _ = precision_recall_curve(is_anomaly, scores)
    right.plot(recall, precision, color=ANOMALY_COLOR)
    right.axhline(is_anomaly.mean(), linestyle=":", color="grey")
    right.set(title="precision and recall", xlabel="detection rate", ylabel="precision")
    return _data_uri(figure)


def histograms(groups: dict[str, NDArray[np.float64]], threshold: float) -> str:
    """Draw one histogram of scores per kind, below one another, with the threshold.

    Args:
        groups: float64 `(count,)`, the scores of each kind by its name, the normal kind first.
        threshold: The largest score that is accepted.
    """
    figure = Figure(figsize=(8, 0.6 + 0.9 * len(groups)), layout="constrained")
    every = np.concatenate([*groups.values(), [threshold]])
    bins = np.linspace(every.min(), max(every.max(), every.min() + LEAST_RANGE), BINS).tolist()
    rows = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    for number, (axes, (name, values)) in enumerate(zip(rows, groups.items(), strict=True)):
        axes.hist(values, bins, color=ANOMALY_COLOR if number else NORMAL_COLOR)
        axes.axvline(threshold, color="black", linestyle="--", linewidth=1)
        axes.set_ylabel(name, rotation=0, ha="right", va="center", parse_math=False)
        axes.set_yticks([])
    rows[-1].set_xlabel("score; the dashed line is the threshold")
    return _data_uri(figure)


def cases(
    images: NDArray[np.uint8],
    errors: NDArray[np.float32],
    largest_error: float,
    masks: NDArray[np.uint8] | None,
    frames: list[Frame],
    titles: list[str],
) -> str:
    """Draw images, their error maps with a color bar, and their masks, two images per row.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        errors: float32 `(count, height, width)` in [0, 1], the error maps.
        largest_error: The end of the color scale of the error maps, which begins at 0.
        masks: uint8 `(count, height, width)`, see `LabeledImages`; None without masks.
        frames: How each image is shown.
        titles: The title of each image, one line.
    """
    panels = PANELS if masks is not None else PANELS[:2]
    rows = -(-len(images) // CASE_COLUMNS)
    columns = CASE_COLUMNS * len(panels)
    figure, grid = panel_grid(rows, columns, PANEL_INCHES, panel_ratio(frames))
    for index, title in enumerate(titles):
        row, column = divmod(index, CASE_COLUMNS)
        axes = grid[row, column * len(panels) : (column + 1) * len(panels)]
        frame = frames[index]
        frame.show(axes[0], images[index].squeeze(), cmap="gray", vmin=0, vmax=255)
        frame.show(axes[1], errors[index], cmap=ERROR_COLORS, vmin=0, vmax=largest_error)
        if masks is not None:
            frame.show(axes[2], masks[index] == DEFECT_PIXEL, cmap="gray", vmin=0, vmax=1)
        axes[0].set_title(title, fontsize=7, loc="left", parse_math=False)
    add_error_scale(figure, largest_error)
    return _data_uri(figure)


def _data_uri(figure: Figure) -> str:
    content = io.BytesIO()
    figure.savefig(content, dpi=DOTS_PER_INCH, format="png")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
