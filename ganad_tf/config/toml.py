"""Configurations from defaults, TOML files and flags, and back to TOML."""

import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w

from ganad_tf.config.defaults import DATASET_DEFAULTS, TILE_DEFAULTS
from ganad_tf.config.schema import DataConfig, RunConfig
from ganad_tf.errors import UserError

Section = TypeVar("Section")


def make_config(*layers: dict[str, Any]) -> RunConfig:
    """Build a configuration: the defaults of its data set, those of tiles, each layer on top.

    Args:
        layers: Nested dictionaries as TOML has them; later ones win; None means not given.

    Raises:
        UserError: If a key is unknown or a value has the wrong type.
    """
    named = [value for value in _given(layers, "data", "dataset") if isinstance(value, str)]
    dataset = named[-1] if named else DataConfig.dataset
    defaults = [{"data": {"dataset": dataset}}, DATASET_DEFAULTS.get(dataset, {})]
    has_tiles = _is_given(layers, "data", "tile")
    if has_tiles:
        defaults.append(TILE_DEFAULTS)
    merged: dict[str, Any] = {}
    for layer in (*defaults, *layers):
        merged = _merge(merged, layer)
    if has_tiles and not _is_given(layers, "score", "views") and not merged["train"].get("flip"):
        merged = _merge(merged, {"score": {"views": 1}})
    return _build(RunConfig, merged, "configuration")


def recorded_config(values: dict[str, Any]) -> RunConfig:
    """Build the configuration that a run recorded, which has all settings of its time.

    A setting that is newer counts as what `RunConfig` has for it, which is how things were done
    before; the defaults of a data set or of tiles, which change, do not.

    Raises:
        UserError: If a key is unknown or a value has the wrong type.
    """
    return _build(RunConfig, values, "configuration")


def _given(layers: tuple[dict[str, Any], ...], section: str, key: str) -> list[Any]:
    """Return what the layers say of a key of a section, in their order."""
    sections = [layer.get(section) for layer in layers]
    return [values.get(key) for values in sections if isinstance(values, dict)]


def _is_given(layers: tuple[dict[str, Any], ...], section: str, key: str) -> bool:
    return any(value is not None for value in _given(layers, section, key))


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
    """Write a configuration as TOML; what is None is left out."""
    return tomli_w.dumps(_without_none(dataclasses.asdict(config)))


def _merge(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in layer.items():
        if isinstance(value, dict):
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


def _build(section: type[Section], values: dict[str, Any], where: str) -> Section:
    hints = typing.get_type_hints(section)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise UserError(f"{where}: unknown key {unknown[0]!r}, expected one of {', '.join(hints)}")
    return section(
        **{key: _convert(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    )


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise UserError(f"{where} must be a section, got {value!r}")
        return _build(typing.cast("type", kind), value, where)
    if typing.get_origin(kind) is Literal:
        if value not in typing.get_args(kind):
            raise UserError(
                f"{where} must be one of {', '.join(typing.get_args(kind))}, got {value!r}"
            )
        return value
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise UserError(f"{where} must be a list, got {value!r}")
        item_kind, _ = typing.get_args(kind)
        return tuple(_convert(item_kind, item, f"{where}: each item") for item in value)
    return _convert_plain(typing.get_args(kind) or (kind,), value, where)


def _convert_plain(options: tuple[Any, ...], value: Any, where: str) -> Any:
    """Check a value that is to be of one of some types, or one of the words of a literal."""
    expected = [
        option for option in options if isinstance(option, type) and option is not types.NoneType
    ]
    words = [word for option in options for word in typing.get_args(option)]
    if value in words:
        return value
    if float in expected and type(value) is int:
        return float(value)
    if type(value) not in expected:
        names = " or ".join([expected[0].__name__, *map(repr, words)])
        raise UserError(f"{where} must be {names}, got {value!r}")
    return value
