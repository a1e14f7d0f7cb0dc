"""Plots some pictures of each kind, with outlines around the defects that masks mark."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ganad_station.printing import printable
from ganad_tf.data.listing import Picture
from ganad_tf.data_check.picture import PictureFacts, Preview, kinds_in_order
from ganad_tf.evaluation.plots import save

COLUMNS, MOST_ROWS = 8, 30
OUTLINE = "#ff2d55"
LONGEST_NAME = 24


def choose_examples(pictures: Sequence[Picture]) -> set[int]:
    """Choose the pictures to plot before any of them is decoded.

    Args:
        pictures: The entries of the listing, in order.

    Returns:
        The indices of up to `COLUMNS` pictures for each of the first `MOST_ROWS` kinds, spread
        evenly over the order of the listing.
    """
    chosen: set[int] = set()
    for kind in kinds_in_order(pictures)[:MOST_ROWS]:
        members = [index for index, picture in enumerate(pictures) if picture.kind == kind]
        places = np.linspace(0, len(members) - 1, COLUMNS).round().astype(int)
        chosen.update(members[place] for place in places.tolist())
    return chosen


def plot_pictures(measured: Sequence[PictureFacts], path: Path) -> None:
    """Plot the pictures that have a preview, one row per kind; without any, write nothing.

    Args:
        measured: Pictures that can be read.
        path: The PNG file to write.
    """
    shown = [facts for facts in measured if facts.preview is not None]
    kinds = kinds_in_order(facts.picture for facts in shown)
    if not kinds:
        return
    figure = Figure(figsize=(1.6 * COLUMNS, 1.9 * len(kinds)), layout="constrained")
    grid = figure.subplots(len(kinds), COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, kind in zip(grid, kinds, strict=True):
        members = [facts for facts in shown if facts.picture.kind == kind]
        for axes, facts in zip(row, members, strict=False):
            if facts.preview is not None:
                _show(axes, facts.picture, facts.preview)
    save(figure, path)


def _show(axes: Axes, picture: Picture, preview: Preview) -> None:
    name = printable(Path(picture.name).name)[-LONGEST_NAME:]
    title = f"{printable(picture.kind)[:LONGEST_NAME]}\n{name}"
    axes.set_title(title, fontsize=6, parse_math=False)
    axes.imshow(preview.pixels)
    if preview.defect is not None:
        axes.contour(preview.defect, [0.5], colors=OUTLINE, linewidths=0.8)
