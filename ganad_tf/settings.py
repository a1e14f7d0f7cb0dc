"""Configurations from defaults, TOML files and flags, and back to TOML."""

import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w

from ganad_tf.config import DataConfig, RunConfig
from ganad_tf.errors import UserError

Section = TypeVar("Section")

DATASET_DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    "digits": {
        "data": {"size": 16, "validation_fraction": 0.2},
        "loss": {"patch_size": 4},
        "train": {"epochs": 20, "passes": 10, "shift": 1},
    },
    "mnist": {"train": {"epochs": 10, "shift": 2}},
    "fashion-mnist": {
        "data": {"anomalies": 48_600},
        "loss": {"abc_scale": 4.0},
        "train": {"epochs": 15, "learning_rate": 1e-2, "flip": True},
    },
    "cifar10": {
        "data": {"anomalies": 40_500},
        "loss": {"latent": 0.1, "adversarial": 0.1, "abc": 2.0},
        "train": {"epochs": 20, "learning_rate": 3e-3, "flip": True, "shift": 3},
    },
    "cifar100": {"train": {"epochs": 40, "flip": True, "shift": 3}},
    "folder": {"data": {"size": 128}, "train": {"epochs": 60, "flip": True}},
}

TILE_DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {"illumination": "brightness"},
    "loss": {
        "reconstruction": 4.0,
        "patch": 6.0,
        "latent": 0.0,
        "adversarial": 0.0,
        "anomaly_adversarial": 0.0,
        "abc": 2.0,
        "abc_scale": 4.0,
        "abc_patches": 8,
    },
    "train": {
        "epochs": 16,
        "passes": 8,
        "batch_size": 12,
        "learning_rate": 3e-3,
        "brightness": 0.15,
        "contrast": 0.25,
        "rotation": 8.0,
        "zoom": 0.2,
        "transplant": 0.5,
        "checkpoint": "last",
    },
    "score": {"patch_size": 8, "patch_count": 8, "views": 2},
}
"""What goes with `data.tile`; chosen on magnetic tiles, see docs/experiments.md."""

WIDTH_PRESETS = {"nano": 8, "small": 12, "medium": 16, "large": 24}
"""Maps of the first layer by name; nano is the paper's."""


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
