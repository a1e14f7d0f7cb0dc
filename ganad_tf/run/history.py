"""The history of a training: losses and validation figures of each epoch, and the best one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganad_tf.errors import UserError
from ganad_tf.system.files import read_json

EPOCH, VALIDATION_AUROC = "epoch", "validation_auroc"
VALIDATION_AUROC_LOW, VALIDATION_AUROC_HIGH = "validation_auroc_low", "validation_auroc_high"
REMEDY = "train again"

Entry = dict[str, float]
"""Figures of an epoch by name: its number from 1, its losses, and figures on validation."""


def read_history(path: Path) -> list[Entry]:
    """Read a `history.json`.

    Raises:
        UserError: If it is damaged.
    """
    history = read_json(path, REMEDY)
    if not isinstance(history, list) or not all(map(_is_entry, history)):
        raise UserError(f"{path} is damaged: {REMEDY}")
    return history


def best_epoch(validation_aurocs: Sequence[float]) -> int:
    """Return the index of the epoch with the best AUROC on the validation split.

    Of equal ones the last is best: a small validation split is soon separated completely, while
    further training still helps.
    """
    return max(range(len(validation_aurocs)), key=lambda epoch: (validation_aurocs[epoch], epoch))


def validation_aurocs(history: Sequence[Entry]) -> list[float]:
    """Return the AUROC on the validation split of each epoch."""
    return [entry[VALIDATION_AUROC] for entry in history]


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and {EPOCH, VALIDATION_AUROC} <= entry.keys()
        and all(isinstance(value, int | float) for value in entry.values())
    )
