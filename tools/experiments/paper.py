"""The paper's table of a data set: each class in turn is normal, float and verified int8."""

from functools import partial
from typing import Any

from ganad_tf.config import make_config
from tools.experiments.classes import CLASSES, class_label
from tools.experiments.detector import train_evaluate_verify
from tools.experiments.markdown import class_page
from tools.experiments.plots import plot_classes
from tools.experiments.table import Cell, Table


def paper_table(settings: dict[str, Any], seeds: int, command: str) -> Table:
    """Return the table of a data set, of all its classes.

    Args:
        settings: Settings of all cells, for `ganad_tf.config.make_config`.
        seeds: Number of seeds of each class, from 0.
        command: The command that makes the table.
    """
    dataset = settings["data"]["dataset"]
    # Seed by seed, so that all classes have a first result soon.
    cells = tuple(
        Cell(
            class_label(dataset, normal_class),
            make_config(settings, {"data": {"normal_class": normal_class}, "seed": seed}),
            train_evaluate_verify,
        )
        for seed in range(seeds)
        for normal_class in CLASSES
    )
    return Table(
        command, cells, partial(class_page, dataset=dataset), partial(plot_classes, dataset=dataset)
    )
