"""A sheet of pictures to look at: some of each kind, defects outlined where masks mark them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import ndimage

from ganad_station.images import read_upright
from ganad_station.printing import printable
from ganad_tf.data.masks import read_mask
from ganad_tf.data_check.inspection import Inspection
from ganad_tf.evaluation.plots import save

COLUMNS = 8
OUTLINE = "#ff2d55"
LONGEST_NAME, LONGEST_SIDE, MOST_ROWS = 24, 256, 30


def plot_pictures(inspections: Sequence[Inspection], kinds: Sequence[str], path: Path) -> None:
    """Show pictures of each kind, a row a kind, spread over the order of their names.

    Args:
        inspections: Pictures that can be read.
        kinds: The rows; those beyond `MOST_ROWS` are left out.
        path: The PNG file to write.
    """
    shown = kinds[:MOST_ROWS]
    figure = Figure(figsize=(1.6 * COLUMNS, 1.9 * len(shown)), layout="constrained")
    grid = figure.subplots(len(shown), COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, kind in zip(grid, shown, strict=True):
        members = [item for item in inspections if item.picture.kind == kind]
        places = np.unique(np.linspace(0, len(members) - 1, COLUMNS).round().astype(int))
        for axes, place in zip(row, places, strict=False):
            _show(axes, members[place])
    save(figure, path)


def _show(axes: Axes, item: Inspection) -> None:
    picture = item.picture
    name = printable(Path(picture.name).name)[-LONGEST_NAME:]
    title = f"{printable(picture.kind)[:LONGEST_NAME]}\n{name}"
    axes.set_title(title, fontsize=6, parse_math=False)
    step = -(-max(item.shape) // LONGEST_SIDE)
    axes.imshow(read_upright(picture.path, 3)[::step, ::step])
    if picture.mask is not None and item.defect_share:
        # A defect that falls between two shown pixels is still to be outlined.
        spread = ndimage.maximum_filter(read_mask(picture.mask), step)
        axes.contour(spread[::step, ::step], [0.5], colors=OUTLINE, linewidths=0.8)
