"""A sheet of pictures to look at: some of each kind, defects outlined where masks mark them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ganad_station.images import read_upright
from ganad_tf.data_check.inspection import Inspection
from ganad_tf.plots import save

COLUMNS = 8
OUTLINE = "#ff2d55"
LONGEST_NAME = 24


def plot_pictures(inspections: Sequence[Inspection], kinds: Sequence[str], path: Path) -> None:
    """Show pictures of each kind, a row a kind, spread over the order of their names.

    Args:
        inspections: Pictures that can be read.
        kinds: The rows.
        path: The PNG file to write.
    """
    figure = Figure(figsize=(1.6 * COLUMNS, 1.9 * len(kinds)), layout="constrained")
    grid = figure.subplots(len(kinds), COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, kind in zip(grid, kinds, strict=True):
        members = [item for item in inspections if item.picture.kind == kind]
        places = np.unique(np.linspace(0, len(members) - 1, COLUMNS).round().astype(int))
        for column, place in enumerate(places):
            picture = members[place].picture
            title = Path(picture.name).name
            row[column].set_title(f"{kind}\n{title[-LONGEST_NAME:]}", fontsize=6)
            row[column].imshow(read_upright(picture.path, 3))
            if picture.mask is not None and members[place].defect_share:
                mask = read_upright(picture.mask, 1) > 0
                row[column].contour(mask, [0.5], colors=OUTLINE, linewidths=0.8)
    save(figure, path)
