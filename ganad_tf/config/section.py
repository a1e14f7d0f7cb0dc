"""Sections of settings: the type, the range, the default and the description of each setting."""

import dataclasses
import numbers
import os
import textwrap
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeVar

from ganad_tf.errors import UserError

_TYPE_WORDS = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}

Value = TypeVar("Value")


@dataclass(frozen=True)
class Range:
    """The values that a number may take.

    Attributes:
        words: The range in words, such as `at least 1`.
        contains: Returns whether a number lies in the range.
    """

    words: str
    contains: Callable[[float], bool]


def at_least(lowest: float) -> Range:
    """Return the range of numbers from `lowest` on."""
    return Range(f"at least {lowest}", lambda value: value >= lowest)


POSITIVE = Range("more than 0", lambda value: value > 0)
FRACTION = Range("between 0 and 1", lambda value: 0 <= value <= 1)
OPEN_FRACTION = Range("between 0 and 1, both excluded", lambda value: 0 < value < 1)


@dataclass(frozen=True)
class Setting:
    """What is known about one setting.

    Attributes:
        path: Section and name as in TOML, such as `data.size`.
        kind: Type annotation of its values.
        default: Value where neither the user nor a data set gives another one.
        description: What the setting does, as one or more sentences.
        within: Range of its numbers, None if all are allowed.
        group: Name of a group of settings that it belongs to, None for none.
    """

    path: str
    kind: Any
    default: Any
    description: str
    within: Range | None
    group: str | None

    @property
    def section(self) -> str:
        """Name of its section; empty for a setting outside of all sections."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The key within the section."""
        return self.path.rpartition(".")[2]

    @property
    def value_type(self) -> type:
        """The type of a value: int, float, bool, str, or tuple for a list."""
        first = _options(self.kind)[0]
        return str if self.choices else typing.get_origin(first) or first

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that the setting can take; empty if it takes other values, too."""
        return typing.get_args(self.kind) if typing.get_origin(self.kind) is Literal else ()

    @property
    def values(self) -> str:
        """The values that the setting can take, in words, such as `an integer (at least 1)`."""
        return _kind_words(self.kind, self.within)

    def check(self, value: Any) -> Any:
        """Return the value in the type of the setting.

        Raises:
            UserError: If the type is wrong or the value is out of range.
        """
        value = _convert(self.kind, value, self.path)
        is_number = isinstance(value, int | float)
        if self.within and is_number and not self.within.contains(value):
            raise UserError(f"{self.path} must be {self.within.words}, got {value}")
        return value


def setting(
    default: Value, description: str, within: Range | None = None, group: str | None = None
) -> Value:
    """Declare a field of a `Section`, like `dataclasses.field`.

    Args:
        default: Value where neither the user nor a data set gives another one.
        description: What the setting does, as one or more sentences.
        within: Range of a number, None if all are allowed.
        group: Name of a group of settings that it belongs to, None for none.
    """
    metadata = {"description": description, "within": within, "group": group}
    return dataclasses.field(default=default, metadata=metadata)


class Section:
    """Base class of frozen dataclasses whose fields are made by `setting`.

    An instance remembers which settings it was given, so that the defaults of a data set can
    replace those that it was not given, see `with_defaults`.
    """

    NAME: ClassVar[str] = ""
    """Name of the section in TOML; empty for the configuration itself."""

    SETTINGS: ClassVar[dict[str, Setting]]
    """The settings by name, in their order."""

    _given: frozenset[str]

    def __init_subclass__(cls) -> None:
        """Collect the settings, and list them in the docstring of the class."""
        prefix = f"{cls.NAME}." if cls.NAME else ""
        cls.SETTINGS = {
            name: Setting(prefix + name, cls.__annotations__[name], field.default, **field.metadata)
            for name, field in vars(cls).items()
            if isinstance(field, dataclasses.Field)
        }
        attributes = (
            textwrap.fill(f"    {name}: {each.description}", 100, subsequent_indent=" " * 8)
            for name, each in cls.SETTINGS.items()
        )
        cls.__doc__ = "\n".join((f"{cls.__doc__}\n\nAttributes:", *attributes))

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """Remember which settings are given."""
        section = super().__new__(cls)
        names = [*cls.SETTINGS][: len(values)]
        object.__setattr__(section, "_given", frozenset((*names, *named)))
        return section

    def __post_init__(self) -> None:
        """Convert and check each value.

        Raises:
            UserError: If a type is wrong or a value is out of range.
        """
        for name, setting in self.SETTINGS.items():
            object.__setattr__(self, name, setting.check(getattr(self, name)))

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Build a section from values by name; nested sections can be mappings, too.

        Raises:
            UserError: If a name is unknown, a type is wrong or a value is out of range.
        """
        known = cls.SETTINGS
        unknown = sorted(set(values) - set(known))
        if unknown:
            where = cls.NAME or "configuration"
            raise UserError(
                f"{where}: unknown key {unknown[0]!r}, expected one of {', '.join(known)}"
            )
        return cls(**values)

    @classmethod
    def names_in(cls, group: str) -> tuple[str, ...]:
        """Return the names of the settings of a group."""
        return tuple(name for name, each in cls.SETTINGS.items() if each.group == group)

    def derive(self, /, **changes: Any) -> Self:
        """Return a copy with some settings changed; all others stay as they are.

        Settings of nested sections are changed by mappings:
        `config.derive(seed=1, train={"epochs": 5})`.

        Raises:
            UserError: If a name is unknown or the result is not valid.
        """
        values = {name: getattr(self, name) for name in self.SETTINGS}
        for name, change in changes.items():
            current = values.get(name)
            if isinstance(current, Section) and isinstance(change, Mapping):
                values[name] = current.derive(**change)
            else:
                values[name] = change
        return self.from_values(values)

    def with_defaults(self, *defaults: Self) -> Self:
        """Return a copy in which settings that were not given take other defaults.

        Args:
            defaults: Sections of which the settings that they were given count; later ones win.
        """
        values: dict[str, Any] = {}
        for section in (*defaults, self):
            values |= section.given
        return self.derive(**values)

    @property
    def given(self) -> dict[str, Any]:
        """The settings that were given when the section was built, by name."""
        return {name: getattr(self, name) for name in self._given}


def _convert(kind: Any, value: Any, where: str) -> Any:
    """Return the value as one of the types of an annotation."""
    if isinstance(value, list | tuple):
        kind = next((each for each in _options(kind) if typing.get_origin(each) is tuple), kind)
    if isinstance(kind, type) and issubclass(kind, Section):
        return _convert_section(kind, value, where)
    if typing.get_origin(kind) is tuple:
        return _convert_list(kind, value, where)
    for option in _options(kind):
        if value in typing.get_args(option) or (value is None and option is types.NoneType):
            return value
        if option is bool and isinstance(value, bool):
            return value
        if option is str and isinstance(value, str | os.PathLike):
            return os.fspath(value)
        number = {int: numbers.Integral, float: numbers.Real}.get(option)
        if number and isinstance(value, number) and not isinstance(value, bool):
            return option(value)
    raise UserError(f"{where} must be {_kind_words(kind)}, got {value!r}")


def _convert_list(kind: Any, value: Any, where: str) -> tuple[Any, ...]:
    """Return a value as a list of any length, `tuple[kind, ...]`, or of as many kinds."""
    if not isinstance(value, list | tuple):
        raise UserError(f"{where} must be a list, got {value!r}")
    kinds = typing.get_args(kind)
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    elif len(kinds) != len(value):
        raise UserError(f"{where} must be a list of {len(kinds)}, got {value!r}")
    pairs = zip(kinds, value, strict=True)
    return tuple(_convert(each, item, f"{where}: each item") for each, item in pairs)


def _convert_section(kind: type[Section], value: Any, where: str) -> Section:
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise UserError(f"{where} must be a section, got {value!r}")
    return kind.from_values(value)


def _options(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return typing.get_args(kind) if is_union else (kind,)


def _kind_words(kind: Any, within: Range | None = None) -> str:
    """Return the types of an annotation in words; None, which TOML has not, is left out."""
    if typing.get_origin(kind) is Literal:
        return f"one of {', '.join(typing.get_args(kind))}"
    if typing.get_origin(kind) is tuple:
        return "a list of strings"
    words = []
    for option in _options(kind):
        if option in (int, float) and within:
            words.append(f"{_TYPE_WORDS[option]} ({within.words})")
        elif option in _TYPE_WORDS:
            words.append(_TYPE_WORDS[option])
        elif typing.get_origin(option) is tuple:
            words.append(f"a list of {len(typing.get_args(option))} integers")
        else:
            words += map(repr, typing.get_args(option))
    return " or ".join(words)
