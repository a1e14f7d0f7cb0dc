"""What the pictures that a detector knows look like, and whether a picture looks like them.

A detector says nothing about a picture that is unlike those that it was trained on: a black frame
may have a small reconstruction error. Each picture is therefore measured as the camera took it,
before its illumination is evened out: its size and, at the size of the model, its brightness,
contrast, fine detail and color, and how they are spread over the picture. Each statistic has bounds
that were set on the good training pictures, see `ganad_tf.data.appearance`.
"""

from pathlib import Path
from typing import Dict, NamedTuple, Optional, Tuple

import numpy as np

from ganad_station.fields import INFINITY, Fields
from ganad_station.measurements import CELLS, GRID, MEASURES, layouts, mean_levels, pooled

LARGEST_COUNT = 10**9
UNLIKE = "unlike the training pictures"


BOTH, LOW, NEITHER = "both", "low", "neither"
LEVEL, AMOUNT, DIFFERENCE, FRACTION, FACTOR, LIKENESS = (
    "level", "amount", "difference", "fraction", "factor", "likeness",
)  # fmt: skip


class Statistic(NamedTuple):
    """A figure of a picture that has bounds.

    Attributes:
        name: Name in files.
        axis: How values are spread before bounds are set, see `ganad_tf.data.appearance`.
        slack: Distance on that axis, at least, of a bound from all training pictures.
        below: What is said of a value that is too small.
        above: What is said of a value that is too large.
        if_rejected: Which of its bounds count for a part whose score is rejected: `BOTH`, `LOW` or
            `NEITHER`. A defect can cross the others, and a part with a defect is NG.
    """

    name: str
    axis: str
    slack: float
    below: str
    above: str
    if_rejected: str = BOTH


HALVES = ("left", "right", "top", "bottom")
_PLACES = [f"row {row}, column {column}" for row in range(1, 5) for column in range(1, 5)]


def _level(place: str, words: str, slack: float, if_rejected: str) -> Statistic:
    name = f"brightness {place}"
    return Statistic(name, LEVEL, slack, f"too dark {words}", f"too bright {words}", if_rejected)


def _amount(name: str, words: str, slack: float, if_rejected: str) -> Statistic:
    return Statistic(name, AMOUNT, slack, f"too little {words}", f"too much {words}", if_rejected)


STATISTICS: Tuple[Statistic, ...] = (
    Statistic("aspect ratio", FACTOR, 0.03, "too narrow for its height", "too wide for its height"),
    Statistic("shorter side", FACTOR, 0.7, "too few pixels on the shorter side", ""),
    Statistic("brightness", LEVEL, 0.2, "too dark", "too bright"),
    _amount("contrast", "contrast", 0.25, LOW),
    Statistic("color", DIFFERENCE, 6, "too grey", "too colorful"),
    Statistic("red", DIFFERENCE, 12, "too little red", "too much red"),
    Statistic("blue", DIFFERENCE, 12, "too little blue", "too much blue"),
    _amount("detail across", "fine detail from left to right", 0.3, LOW),
    _amount("detail down", "fine detail from top to bottom", 0.3, LOW),
    Statistic("black", FRACTION, 0.7, "too few black pixels", "too many black pixels", NEITHER),
    Statistic("white", FRACTION, 0.7, "too few white pixels", "too many white pixels", NEITHER),
    *(_level(half, f"in the {half} half", 0.3, BOTH) for half in HALVES),
    Statistic("layout", LIKENESS, 0.7, "light and dark are in other places", "", NEITHER),
    *(_level(at, f"in {at} of 4", 0.5, NEITHER) for at in _PLACES),
    *(_amount(f"contrast {at}", f"contrast in {at} of 4", 0.7, NEITHER) for at in _PLACES),
)
LARGEST = {
    LEVEL: 255.0,
    AMOUNT: 255.0,
    DIFFERENCE: 255.0,
    FRACTION: 1.0,
    FACTOR: INFINITY,
    LIKENESS: 1.0,
}
SMALLEST = {LEVEL: 0.0, AMOUNT: 0.0, DIFFERENCE: -255.0, FRACTION: 0.0, FACTOR: 0.0, LIKENESS: -1.0}


class Bounds(NamedTuple):
    """The values of a statistic that are like those of the training pictures.

    Attributes:
        low: The smallest one, None if there is none.
        high: The largest one, None if there is none.
    """

    low: Optional[float]
    high: Optional[float]

    def only(self, which: str) -> "Bounds":
        """Return `BOTH` bounds, the `LOW` one alone, or `NEITHER`."""
        return Bounds(self.low if which != NEITHER else None, self.high if which == BOTH else None)

    def problem(self, statistic: Statistic, value: float) -> Optional[str]:
        """Return what is wrong with a value, None if it is within the bounds."""
        if self.low is not None and not value >= self.low:
            words, limit = statistic.below, f"at least {_show(statistic, self.low)}"
        elif self.high is not None and not value <= self.high:
            words, limit = statistic.above, f"at most {_show(statistic, self.high)}"
        else:
            return None
        return f"{words}: {_show(statistic, value)}, {limit}"


class Appearance(NamedTuple):
    """What the good training pictures of a detector look like.

    Attributes:
        pictures: Number of pictures that the bounds were set on.
        parts: Number of parts that they show.
        layout: The sum of their layouts, see `layouts`; `GRID` x `GRID` numbers, row by row.
        bounds: The bounds of the statistics, by name of the statistic.
    """

    pictures: int
    parts: int
    layout: Tuple[float, ...]
    bounds: Dict[str, Bounds]

    def problem(self, measurements: np.ndarray, is_rejected: bool = False) -> Optional[str]:
        """Return why a picture is unlike the training pictures, None if it is like them.

        Args:
            measurements: float32 `(MEASUREMENTS,)`, the picture, see `measure`.
            is_rejected: Whether its score is rejected. If so, the bounds that a defect can cross do
                not count, see `Statistic`.
        """
        values = statistics(measurements[np.newaxis], np.asarray(self.layout))[0]
        for statistic, value in zip(STATISTICS, values.tolist()):
            bounds = self.bounds.get(statistic.name)
            if bounds is None:
                continue
            if is_rejected:
                bounds = bounds.only(statistic.if_rejected)
            problem = bounds.problem(statistic, value)
            if problem is not None:
                return f"{UNLIKE} ({problem})"
        return None

    @classmethod
    def read(cls, fields: Fields) -> "Appearance":
        """Read an appearance from the fields of a JSON file.

        Raises:
            StationError: If a field is missing, has a wrong type, or is out of range.
        """
        bounds = fields.fields("bounds")
        return cls(
            fields.integer("pictures", 1, LARGEST_COUNT),
            fields.integer("parts", 1, LARGEST_COUNT),
            tuple(fields.numbers("layout", GRID**2)),
            {
                statistic.name: _read_bounds(bounds.fields(statistic.name))
                for statistic in STATISTICS
                if statistic.name in bounds
            },
        )

    def to_dict(self) -> Dict[str, object]:
        """Return the appearance in the types of JSON."""
        bounds = {name: bounds._asdict() for name, bounds in self.bounds.items()}
        return {**self._asdict(), "layout": list(self.layout), "bounds": bounds}


def appearance_in(fields: Fields) -> Optional[Appearance]:
    """Read the field `appearance` of a manifest; None if there is none.

    Raises:
        StationError: If it is damaged.
    """
    found = fields.optional_fields("appearance")
    return None if found is None else Appearance.read(found)


def read_appearance(path: Path, remedy: str) -> Optional[Appearance]:
    """Read the file of an appearance; None if there is none.

    Raises:
        StationError: If it is damaged.
    """
    return Appearance.read(Fields.read(path, remedy)) if path.is_file() else None


def statistics(measurements: np.ndarray, layout: np.ndarray) -> np.ndarray:
    """Compute the statistics that have bounds.

    Args:
        measurements: float32 `(count, MEASUREMENTS)`, see `measure`.
        layout: The layout of the training pictures, `(GRID ** 2,)` or one for each picture,
            `(count, GRID ** 2)`; of any length.

    Returns:
        float64 `(count, len(STATISTICS))`, in the order of `STATISTICS`.
    """
    count = len(measurements)
    height, width, color, red, blue, contrast, *rest = (
        measurements[:, : len(MEASURES)].astype(np.float64).T
    )
    grid = mean_levels(measurements)
    middle = GRID // 2
    halves = (grid[:, :, :middle], grid[:, :, middle:], grid[:, :middle], grid[:, middle:])
    length = np.maximum(np.linalg.norm(layout, axis=-1), 1e-12)
    likeness = (layouts(measurements) * layout).sum(axis=1) / length
    return np.column_stack(
        [
            width / height,
            np.minimum(width, height),
            grid.mean(axis=(1, 2)),
            contrast,
            color,
            red,
            blue,
            *rest,
            *(half.mean(axis=(1, 2)) for half in halves),
            likeness,
            pooled(grid, CELLS).reshape(count, -1),
            measurements[:, -(CELLS**2) :],
        ]
    )


def _read_bounds(fields: Fields) -> Bounds:
    return Bounds(*(fields.optional_number(name) for name in Bounds._fields))


def _show(statistic: Statistic, value: float) -> str:
    return f"{100 * value:.3g} %" if statistic.axis == FRACTION else f"{value:.3g}"
