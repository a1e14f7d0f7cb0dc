"""The classes of a data set."""

from ganad_tf.data.class_sets import CLASS_NAMES, DIGITS

CLASSES = range(10)
SIDE_CLASSES = (0, 3, 6)
"""Normal classes of the studies, which have too many rows for all ten."""


def class_names(dataset: str) -> tuple[str, ...]:
    """Return the names of all classes, which are the kinds of its images."""
    return DIGITS if dataset == "digits" else CLASS_NAMES[dataset]


def class_label(dataset: str, number: int) -> str:
    """Return the label of a class in a table: its number, and its name if that differs."""
    name = class_names(dataset)[number]
    return name if name == str(number) else f"{number} {name}"
