"""Configurations from TOML files and flags, and back to TOML."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from ganad_tf.config.run_config import PLAIN_CONFIG, RunConfig
from ganad_tf.errors import UserError


def make_config(*layers: Mapping[str, Any]) -> RunConfig:
    """Build a configuration from layers of settings.

    Settings that no layer gives take the defaults of the data set, see `RunConfig`.

    Args:
        layers: Nested dictionaries as in TOML files; later ones win, and None means not given.

    Raises:
        UserError: If a key is unknown, a value is not valid, or settings contradict each other.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer)
    return RunConfig.from_values(merged)


def recorded_config(values: Mapping[str, Any]) -> RunConfig:
    """Build the configuration that a run recorded, which had all settings of its time.

    Newer settings take the defaults of the schema, which stand for what was done before. The
    defaults of data sets and tiles do not apply, because they change.

    Raises:
        UserError: If a key is unknown, a value is not valid, or settings contradict each other.
    """
    return PLAIN_CONFIG.derive(**values)


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML file into a layer for `make_config`.

    Raises:
        UserError: If the file is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from None


def to_toml(config: RunConfig) -> str:
    """Write a configuration as TOML; settings that are None are left out."""
    return tomli_w.dumps(_without_none(dataclasses.asdict(config)))


def _merge(base: dict[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in layer.items():
        if isinstance(value, Mapping):
            section = merged.get(key, {})
            if not isinstance(section, dict):
                raise UserError(f"configuration: {key} must be a section, got {section!r}")
            merged[key] = _merge(section, value)
        elif value is not None:
            merged[key] = value
    return merged


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }
