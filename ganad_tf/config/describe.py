"""Descriptions of settings for help texts, the page of settings and commented TOML files."""

import textwrap
from collections.abc import Mapping
from typing import Any

import tomli_w

from ganad_tf.config.defaults import DATASET_DEFAULTS, TILE_DEFAULTS
from ganad_tf.config.run_config import SECTIONS, SETTINGS
from ganad_tf.config.section import Setting
from ganad_tf.config.toml import make_config


def describe_default(setting: Setting) -> str:
    """Return the default of a setting, and those of data sets and tiles that differ from it."""
    plain = _text(setting.default)
    if setting.section not in SECTIONS:
        return plain
    layers = {**DATASET_DEFAULTS, "tiles": TILE_DEFAULTS}
    given = {name: getattr(layer, setting.section).given for name, layer in layers.items()}
    values = {name: each[setting.name] for name, each in given.items() if setting.name in each}
    # Tiles override data sets, so their default matters even if it equals the plain one.
    others = [
        f"{name}: {_text(value)}"
        for name, value in values.items()
        if value != setting.default or name == "tiles"
    ]
    return f"{plain} ({', '.join(others)})" if others else plain


def commented_toml(layer: Mapping[str, Any]) -> str:
    """Write all settings as TOML, with their descriptions as comments.

    Args:
        layer: Settings that the file sets, as for `make_config`. All others are commented out,
            with the values that they take by default.

    Raises:
        UserError: If a setting is not valid.
    """
    config = make_config(layer)
    lines = [
        f"# Settings of ganad-tf for the data set {config.data.dataset}.",
        "# A line such as #seed = 0 shows a default: remove the # to change the value.",
    ]
    sections = {"": (config, layer)}
    sections |= {name: (getattr(config, name), layer.get(name, {})) for name in SECTIONS}
    for name, (section, given) in sections.items():
        lines += ["", f"[{name}]"] if name else []
        for setting in (each for each in SETTINGS.values() if each.section == name):
            value, is_given = getattr(section, setting.name), given.get(setting.name) is not None
            value_line = f"Value: {setting.values}."
            if is_given:
                value_line += f" Default: {describe_default(setting)}."
            assignment = f"{setting.name} = {'' if value is None else _toml_value(value)}".rstrip()
            lines += ["", _comment(setting.description), _comment(value_line)]
            lines.append(assignment if is_given else f"#{assignment}")
    return "\n".join([*lines, ""])


def _comment(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="# ", subsequent_indent="# ")


def _text(value: Any) -> str:
    if value is None:
        return "not set"
    return value if isinstance(value, str) else _toml_value(value)


def _toml_value(value: Any) -> str:
    return tomli_w.dumps({"value": value}).removeprefix("value = ").strip()
