"""The table of real defects in a folder: labelled, few and synthetic anomalies to train on."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from ganad_tf.config import make_config
from tools.experiments.detector import train_evaluate_verify
from tools.experiments.markdown import split_page
from tools.experiments.table import (
    AUROC_OF_PARTS,
    FLOAT_AUROC,
    INT8_AUROC,
    Cell,
    Measure,
    Result,
    Table,
)

FEW = 5


def _located(name: str) -> Callable[[Result], float]:
    return lambda result: result["evaluation"]["localization"][name]["value"]


def _recall(rate: str) -> Callable[[Result], float]:
    """Return the measure at a false-reject rate; NaN if the good parts are too few for the rate."""

    def recall(result: Result) -> float:
        estimate = result["evaluation"]["recall_at"].get(rate)
        return math.nan if estimate is None else estimate["value"]

    return recall


MEASURES = (
    FLOAT_AUROC,
    INT8_AUROC,
    Measure("difference", lambda result: result["difference"]["value"], "+.4f"),
    AUROC_OF_PARTS,
    Measure("pixel AUROC", _located("pixel_auroc"), ".3f"),
    Measure("AUPRO", _located("aupro"), ".3f"),
    Measure("found at 0 % false rejects", _recall("0"), ".3f"),
    Measure("at 1 %", _recall("0.01"), ".3f"),
)


def rows(kinds: int) -> dict[str, dict[str, Any]]:
    """Return what each row changes, by its label, given the number of kinds of defects."""
    return {
        "all labelled": {},
        f"{FEW} labelled of each kind": {"data": {"anomalies": FEW * kinds}},
        "synthetic alone": {"data": {"anomaly_source": "synthetic"}},
    }


def defect_table(layers: tuple[dict[str, Any], ...], kinds: int, seeds: int, command: str) -> Table:
    """Return the table of a folder.

    Args:
        layers: Settings of all cells, for `ganad_tf.config.make_config`.
        kinds: Number of kinds of defects in the folder.
        seeds: Number of seeds of each row, from 0.
        command: The command that makes the table.
    """
    cells = tuple(
        Cell(label, make_config(*layers, layer, {"seed": seed}), train_evaluate_verify)
        for label, layer in rows(kinds).items()
        for seed in range(seeds)
    )
    page = partial(split_page, title="anomalies to train on", measures=MEASURES)
    return Table(command, cells, page)
