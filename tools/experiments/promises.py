"""The table of promises: false rejects as promised and as measured, and the verdict on int8."""

from typing import Any

from ganad_tf.config import RunConfig, make_config
from tools.experiments.detector import train_evaluate_verify
from tools.experiments.markdown import NOTHING, markdown_table
from tools.experiments.table import Cell, Filled, Result, Table

CLASS_SETS = ("digits", "fashion-mnist")
HEAD = (
    "data set",
    "seed",
    "threshold set on",
    "promised",
    "good rejected, float",
    "good rejected, int8",
    "defects found, float",
    "defects found, int8",
    "verdict on int8",
)


def promise_table(
    label: str, layers: tuple[dict[str, Any], ...], seeds: int, command: str
) -> Table:
    """Return the table of class 0 of some data sets and of a folder of pictures.

    Args:
        label: Label of the folder.
        layers: Settings of the folder, for `ganad_tf.config.make_config`.
        seeds: Number of seeds of each data set, from 0; each splits a folder anew.
        command: The command that makes the table.
    """
    settings = {name: ({"data": {"dataset": name}},) for name in CLASS_SETS} | {label: layers}
    cells = tuple(
        Cell(name, _config(of, seed), train_evaluate_verify)
        for seed in range(seeds)
        for name, of in settings.items()
    )
    return Table(command, cells, promise_page)


def _config(layers: tuple[dict[str, Any], ...], seed: int) -> RunConfig:
    return make_config(*layers, {"seed": seed})


def promise_page(filled: Filled) -> str:
    """Return the page: a row for each data set and seed."""
    rows = []
    for label in filled.labels:
        found = filled.of(label)
        rows += [[label, str(result["seed"]), *_row(result)] for result in found]
        rows += [[label, *[NOTHING] * (len(HEAD) - 1)]] if not found else []
    return markdown_table(HEAD, rows)


def _row(result: Result) -> list[str]:
    evaluation, verdict = result["evaluation"], result["verdict"]
    rejects, misses = verdict["false_rejects"], verdict["misses"]
    defects = misses["images"]
    reason = f": {verdict['reason']}" if verdict["reason"] else ""
    return [
        f"{evaluation['good_parts']} good parts",
        f"at most {evaluation['promised_false_reject_rate']:.1%}",
        _count(rejects["float_errors"], rejects["images"]),
        _count(rejects["exported_errors"], rejects["images"]),
        _count(defects - misses["float_errors"], defects),
        _count(defects - misses["exported_errors"], defects),
        f"{verdict['outcome']}{reason}",
    ]


def _count(hits: int, images: int) -> str:
    return f"{hits} of {images} ({hits / images:.1%})"
