"""The data file of a table: the figures, configuration and command of each result.

`results.json` records the settings that all results have in common in `config`, and the settings
that differ in each of its `rows`.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganad_tf.config import recorded_config, to_toml
from ganad_tf.errors import UserError
from ganad_tf.system.files import read_json, write_json
from tools.experiments.table import Cell, Result, Table

FILE = "results.json"
REMEDY = "restore it, or remove it to make all results anew"


class Results:
    """The results of a table on disk.

    Args:
        folder: The folder of the table.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def read(self) -> dict[str, Result]:
        """Return all results by name, each with its whole configuration.

        Raises:
            UserError: If the file is damaged.
        """
        if not self.path.is_file():
            return {}
        content = read_json(self.path, REMEDY)
        try:
            return {
                row["name"]: {**row, "config": _merge(content["config"], row["config"])}
                for row in content["rows"]
            }
        except (AttributeError, KeyError, TypeError):
            raise UserError(f"{self.path} is not the data file of a table: {REMEDY}") from None

    def of(self, cells: Sequence[Cell]) -> dict[str, Result]:
        """Return the results of cells by name; those with other settings do not count.

        Settings that are newer than a result count as they do when a run is opened.
        """
        found = self.read()
        return {
            cell.name: found[cell.name]
            for cell in cells
            if cell.name in found and _is_of(cell, found[cell.name])
        }

    def update(self, table: Table, results: Mapping[str, Result]) -> None:
        """Write results beside, or in place of, those in the file; processes may do so at once.

        Args:
            table: The table, whose command and order of cells the file gets.
            results: Results by name.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self.path.parent):
            found = {**self.read(), **results}
            order = [cell.name for cell in table.cells if cell.name in found]
            rows = [found[name] for name in dict.fromkeys([*order, *found])]
            shared = _shared([row["config"] for row in rows])
            content = {
                "command": table.command,
                "config": shared,
                "rows": [{**row, "config": _without(row["config"], shared)} for row in rows],
            }
            write_json(self.path, content)

    def toml(self, name: str) -> str:
        """Return the configuration of a result for `ganad-tf train --config`.

        Raises:
            UserError: If there is no such result.
        """
        found = self.read()
        if name not in found:
            raise UserError(f"{self.path} has no row {name!r}: choose one of {', '.join(found)}")
        return to_toml(recorded_config(found[name]["config"]))


def _is_of(cell: Cell, result: Result) -> bool:
    try:
        return recorded_config(result["config"]) == cell.config.portable()
    except UserError:
        return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _merge(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(shared)
    for key, value in own.items():
        merged[key] = _merge(shared.get(key, {}), value) if isinstance(value, dict) else value
    return merged


def _shared(configs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the settings that all configurations have, with the same value."""
    first, *others = configs
    shared = {}
    for key, value in first.items():
        if isinstance(value, dict):
            shared[key] = _shared([config.get(key, {}) for config in configs])
        elif all(key in config and config[key] == value for config in others):
            shared[key] = value
    return shared


def _without(config: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a configuration that are not shared."""
    own = {}
    for key, value in config.items():
        if isinstance(value, dict):
            section = _without(value, shared.get(key, {}))
            if section:
                own[key] = section
        elif key not in shared:
            own[key] = value
    return own
