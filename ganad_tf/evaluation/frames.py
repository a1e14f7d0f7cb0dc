"""Showing images of models with the aspect ratio in which the pictures were taken."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ganad_station.fitting import Box
from ganad_tf.data.labeled import LabeledImages

NARROWEST, WIDEST = 0.25, 3.0
"""Bounds of the height of panels in a figure, as a multiple of their width."""


class Frame(NamedTuple):
    """How an image of a model is shown.

    Attributes:
        box: Where the picture is in the image; what is filled around it is not shown.
        aspect: Height of a pixel of the image as a multiple of its width.
    """

    box: Box
    aspect: float

    @classmethod
    def of(cls, box: Box, shape: tuple[float, float]) -> "Frame":
        """Return the frame of a picture that had a height and width when it was taken."""
        height, width = shape
        return cls(box, (height / box.height) / (width / box.width))

    @property
    def ratio(self) -> float:
        """Height of the shown picture as a multiple of its width."""
        return self.aspect * self.box.height / self.box.width

    def show(self, axes: Axes, image: NDArray[Any], **options: Any) -> Any:
        """Show an image or a map, `(height, width)` or `(height, width, 3)`, with `Axes.imshow`."""
        return axes.imshow(self.box.cut(image), aspect=self.aspect, **options)


def frames_of(data: LabeledImages) -> list[Frame]:
    """Return the frame of each image.

    Images whose picture has not been measured, such as synthetic anomalies, are shown with the
    median aspect ratio of the others.
    """
    whole = (0, 0, *data.images.shape[1:3])
    boxes = [whole] * len(data) if data.boxes is None else data.boxes.tolist()
    shapes = np.full((len(data), 2), np.nan)
    if data.measurements is not None:
        shapes = data.measurements[:, :2].astype(np.float64)
    frames = [
        Frame.of(Box(*box), (height, width))
        for box, (height, width) in zip(boxes, shapes.tolist(), strict=True)
    ]
    known = [frame.aspect for frame in frames if not np.isnan(frame.aspect)]
    usual = float(np.median(known)) if known else 1.0
    return [frame._replace(aspect=usual) if np.isnan(frame.aspect) else frame for frame in frames]


def panel_ratio(frames: Sequence[Frame]) -> float:
    """Return the height of panels, as a multiple of their width, that suits some frames."""
    return float(np.clip(np.median([frame.ratio for frame in frames]), NARROWEST, WIDEST))
