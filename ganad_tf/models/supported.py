"""Refusal of settings that a subclass inherits from Keras but does not implement."""

from typing import Any


def check_supported(thing: object, **supported: Any) -> None:
    """Raise `ValueError` unless all settings have the one value that is implemented.

    Args:
        thing: A layer or an optimizer.
        supported: The implemented value of each setting, by name of the attribute.
    """
    for name, value in supported.items():
        found = getattr(thing, name)
        if found != value:
            raise ValueError(
                f"{type(thing).__name__} supports only {name}={_text(value)}, got {_text(found)}: "
                "use the class of Keras that it derives from"
            )


def _text(value: Any) -> str:
    return getattr(value, "__name__", repr(value))
