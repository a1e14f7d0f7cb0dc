"""Regions that annotation tools draw: polygons and bitmaps, and the mask that they make.

Coordinates are in pixels from the upper left corner of the upright picture, so that the pixel in
the first row and column reaches from (0, 0) to (1, 1).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
ELLIPSE_CORNERS = 72
"""Corners of the polygon that stands for an ellipse; it covers 99.9 % of the area."""
FURTHEST = 1e9
"""Coordinates are limited to this before they become integers."""


@dataclass(frozen=True, eq=False)
class Polygon:
    """An area inside a closed line; where the line crosses itself, the even-odd rule holds.

    Attributes:
        points: float64 `(corners, 2)`, x and y of each corner.
    """

    points: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The area, in the square of the unit of the points."""
        x, y = self.points.T
        return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


@dataclass(frozen=True, eq=False)
class Bitmap:
    """A rectangle of pixels as run lengths, of unmarked and of marked pixels in turn.

    Attributes:
        left: Column of the first pixel in the picture.
        top: Row of the first pixel in the picture.
        height: Height in pixels.
        width: Width in pixels.
        runs: int64, the run lengths; they sum up to at most `height * width`.
        by_column: Whether the pixels are counted column by column, as COCO does, not row by row.
    """

    left: int
    top: int
    height: int
    width: int
    runs: NDArray[np.int64]
    by_column: bool = False

    def __post_init__(self) -> None:
        """Raise `ValueError` if the runs are not those of such a rectangle."""
        if min(self.height, self.width) < 1 or self.runs.ndim != 1 or np.any(self.runs < 0):
            raise ValueError("a mask takes sides and a list of run lengths that are not negative")
        if int(self.runs.sum()) > self.height * self.width:
            raise ValueError(f"run lengths of more than {self.height} x {self.width} pixels")

    @property
    def area(self) -> float:
        """The number of marked pixels."""
        return float(self.runs[1::2].sum())

    def pixels(self) -> NDArray[np.bool_]:
        """Return the marked pixels, bool `(height, width)`."""
        flat = np.zeros(self.height * self.width, bool)
        values = np.arange(len(self.runs)) % 2 == 1
        flat[: self.runs.sum()] = np.repeat(values, self.runs)
        if self.by_column:
            return flat.reshape(self.width, self.height).T
        return flat.reshape(self.height, self.width)


Shape = Polygon | Bitmap


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of one picture, which together are its mask.

    Attributes:
        shapes: The polygons and bitmaps, which may overlap.
        shape: Height and width in pixels of the picture that they were drawn on; None if the file
            does not say.
        is_relative: Whether coordinates of polygons are fractions of width and height.
    """

    shapes: tuple[Shape, ...]
    shape: tuple[int, int] | None = None
    is_relative: bool = False


def polygon(numbers: Sequence[float]) -> Polygon:
    """Return the polygon with the corners x, y, x, y, ...

    Raises:
        ValueError: If these are not at least three pairs.
    """
    if len(numbers) % 2 or len(numbers) < 6:
        raise ValueError(f"a polygon of {len(numbers)} numbers: it takes three points or more")
    return Polygon(np.array(numbers, np.float64).reshape(-1, 2))


def rectangle(
    left: float, top: float, right: float, bottom: float, degrees: float = 0.0
) -> Polygon:
    """Return a rectangle, turned clockwise around its centre."""
    corners = polygon([left, top, right, top, right, bottom, left, bottom])
    return turned(corners, ((left + right) / 2, (top + bottom) / 2), degrees)


def ellipse(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0.0) -> Polygon:
    """Return an ellipse around (x, y), turned clockwise around its centre."""
    angles = np.linspace(0, 2 * math.pi, ELLIPSE_CORNERS, endpoint=False)
    points = np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], axis=1)
    return turned(Polygon(points), (x, y), degrees)


def turned(shape: Polygon, around: Point, degrees: float) -> Polygon:
    """Turn a polygon clockwise, as seen on the screen, where y points down."""
    if not degrees:
        return shape
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[cos, sin], [-sin, cos]])
    return Polygon((shape.points - around) @ turn + around)


def bitmap(pixels: NDArray[np.bool_], left: int = 0, top: int = 0) -> Bitmap:
    """Return a mask, bool `(height, width)`, as a bitmap whose first pixel is at (top, left)."""
    changes = np.flatnonzero(np.diff(pixels.ravel(), prepend=False))
    runs = np.diff(changes, prepend=0, append=pixels.size)
    height, width = pixels.shape
    return Bitmap(left, top, height, width, runs.astype(np.int64))


def render(regions: Regions, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the pixels of a picture that lie in its regions.

    A pixel lies in a polygon if its centre does. A polygon that holds no centre, such as a line of
    half a pixel, marks the pixels that its outline touches.

    Args:
        regions: Polygons and bitmaps of the picture.
        shape: Height and width of the picture in pixels.

    Returns:
        bool `(height, width)`.
    """
    marked = np.zeros(shape, bool)
    for region in regions.shapes:
        if isinstance(region, Bitmap):
            _paste(marked, region)
        else:
            scale = shape[::-1] if regions.is_relative else (1, 1)
            points = np.clip(region.points * scale, -FURTHEST, FURTHEST)
            if not _fill(marked, points):
                _trace(marked, points)
    return marked


def _paste(marked: NDArray[np.bool_], region: Bitmap) -> None:
    top, left = max(0, -region.top), max(0, -region.left)
    pixels = region.pixels()[top:, left:]
    place = marked[max(0, region.top) :, max(0, region.left) :]
    height, width = np.minimum(pixels.shape, place.shape)
    place[:height, :width] |= pixels[:height, :width]


def _first(coordinates: NDArray[np.float64], end: int) -> NDArray[np.int64]:
    """Return the first pixel, `end` at most, with its centre at a coordinate or behind it."""
    return np.clip(np.ceil(coordinates - 0.5), 0, end).astype(np.int64)


def _fill(marked: NDArray[np.bool_], points: NDArray[np.float64]) -> bool:
    """Mark the pixels with their centre in a polygon, and tell whether there are any."""
    height, width = marked.shape
    top, bottom = _first(np.array([points[:, 1].min(), points[:, 1].max()]), height)
    # In each row, each edge that crosses it toggles between outside and inside.
    crossed = np.zeros((bottom - top, width + 1), bool)
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        first, last = _first(np.sort([y1, y2]), height)
        rows = np.arange(first, last)
        if len(rows):
            crossings = x1 + (rows + 0.5 - y1) * ((x2 - x1) / (y2 - y1))
            crossed[rows - top, _first(crossings, width)] ^= True
    inside = np.logical_xor.accumulate(crossed, axis=1)[:, :width]
    marked[top:bottom] |= inside
    return bool(inside.any())


def _trace(marked: NDArray[np.bool_], points: NDArray[np.float64]) -> None:
    """Mark the pixels under the outline of a polygon."""
    inside = np.clip(points, -1, np.array(marked.shape[::-1]) + 1)
    for start, end in zip(inside, np.roll(inside, -1, axis=0), strict=True):
        steps = 2 + 2 * int(np.abs(end - start).max())
        columns, rows = np.floor(np.linspace(start, end, steps)).astype(np.int64).T
        is_inside = (rows >= 0) & (rows < marked.shape[0])
        is_inside &= (columns >= 0) & (columns < marked.shape[1])
        marked[rows[is_inside], columns[is_inside]] = True
