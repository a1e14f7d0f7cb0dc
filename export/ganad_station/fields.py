"""Reading JSON files of which every field has a type and a range."""

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, NoReturn, Optional, Tuple

from ganad_station.errors import StationError

LARGEST_NUMBER = sys.float_info.max
INFINITY = float("inf")
SHOWN_CHARACTERS = 40


class Fields:
    """A JSON object whose fields are read one by one, each checked against its type and range.

    All methods raise `StationError` with one line that names the file and the field.

    Args:
        path: The file that the object is in.
        remedy: What to do about a wrong field, the end of each message.
        values: The JSON object that holds the fields.
        prefix: Where the object is in the file, such as `threshold.`; empty for the whole file.
    """

    def __init__(self, path: Path, remedy: str, values: Dict[str, Any], prefix: str = "") -> None:
        self._path = path
        self._remedy = remedy
        self._values = values
        self._prefix = prefix

    @classmethod
    def read(cls, path: Path, remedy: str) -> "Fields":
        """Read a file that holds one JSON object."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise StationError(f"{path} cannot be read ({error}): {remedy}") from None
        if not isinstance(values, dict):
            raise StationError(f"{path} is not a JSON object: {remedy}")
        return cls(path, remedy, values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def is_given(self, name: str) -> bool:
        """Return whether a field is there and not null."""
        return self._values.get(name) is not None

    @property
    def names(self) -> List[str]:
        """The names of all fields, in the order of the file."""
        return list(self._values)

    def text(self, name: str, default: Optional[str] = None) -> str:
        """Return a string.

        Args:
            name: Name of the field.
            default: The value where the field is missing; None if it is required.
        """
        if default is not None and name not in self._values:
            return default
        value = self._value(name)
        if not isinstance(value, str):
            self._refuse(name, "a string", value)
        return value

    def choice(self, name: str, choices: Tuple[str, ...], default: Optional[str] = None) -> str:
        """Return a string that is one of `choices`, see `text`."""
        value = self.text(name, default)
        if value not in choices:
            self._refuse(name, " or ".join(choices), value)
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        value = self._value(name)
        if not isinstance(value, bool):
            self._refuse(name, "true or false", value)
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        """Return an integer from `low` to `high`."""
        value = self._value(name)
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        if not is_integer or not low <= value <= high:
            self._refuse(name, f"an integer from {low} to {high}", value)
        return value

    def number(self, name: str, low: float, high: float) -> float:
        """Return a number from `low` to `high`, which NaN is not."""
        value = self._value(name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            self._refuse(name, f"a number from {low:g} to {high:g}", value)
        return float(value)

    def optional_number(self, name: str) -> Optional[float]:
        """Return a number, None where it is null."""
        value = self._value(name)
        return None if value is None else self.number(name, -LARGEST_NUMBER, LARGEST_NUMBER)

    def numbers(self, name: str, count: int) -> List[float]:
        """Return a list of `count` numbers."""
        values = self._value(name)
        if not isinstance(values, list) or len(values) != count:
            self._refuse(name, f"a list of {count} numbers", values)
        entries = Fields(self._path, self._remedy, {str(i): v for i, v in enumerate(values)})
        return [entries.number(index, -LARGEST_NUMBER, LARGEST_NUMBER) for index in entries.names]

    def fields(self, name: str) -> "Fields":
        """Return the fields of an object."""
        return self._wrap(name, self._value(name))

    def optional_fields(self, name: str) -> "Optional[Fields]":
        """Return the fields of an object, None where it is missing or null."""
        return self.fields(name) if self.is_given(name) else None

    def list(self, name: str) -> List["Fields"]:
        """Return the fields of each object in a list, which must not be empty."""
        entries = self._value(name)
        if not isinstance(entries, list) or not entries:
            self._refuse(name, "a list that is not empty", entries)
        return [self._wrap(f"{name}[{index}]", entry) for index, entry in enumerate(entries)]

    def refuse(self, name: str, problem: str) -> NoReturn:
        """Refuse the value of a field."""
        raise StationError(f"{self._path}: {self._prefix}{name} {problem}: {self._remedy}")

    def _value(self, name: str) -> Any:
        if name not in self._values:
            raise StationError(f"{self._path} lacks '{self._prefix}{name}': {self._remedy}")
        return self._values[name]

    def _wrap(self, name: str, value: Any) -> "Fields":
        if not isinstance(value, dict):
            self._refuse(name, "an object", value)
        return Fields(self._path, self._remedy, value, f"{self._prefix}{name}.")

    def _refuse(self, name: str, expected: str, value: Any) -> NoReturn:
        self.refuse(name, f"must be {expected}, not {json.dumps(value)[:SHOWN_CHARACTERS]}")
