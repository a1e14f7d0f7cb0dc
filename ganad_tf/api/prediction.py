"""What a detector says about an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ganad_station.heatmap import GAIN
from ganad_tf.evaluation.frames import Frame, panel_ratio

PANEL_INCHES = 3.0


@dataclass(frozen=True, eq=False)
class Prediction:
    """The anomaly score of an image, the decision, and where the error is.

    Attributes:
        score: Anomaly score in [0, 1]; larger is more anomalous.
        is_rejected: Whether the score is above the threshold, or there is a problem.
        threshold: The largest score that is accepted.
        image: uint8 `(height, width, channels)`, 0 to 255, the image as the model takes it: scaled,
            and with its illumination evened out if the detector does so.
        reconstruction: float32 `(height, width, channels)` in [0, 1].
        error_map: float32 `(height, width)` in [0, 1], the reconstruction error of each pixel,
            smoothed over the patches of the score if the score is computed from patches.
        problem: Why the score says nothing about the part: the picture is unlike the training
            pictures, or the score is not a number. None if there is no problem.
        frame: How `plot` shows the image: with the aspect ratio of the picture as it was taken, and
            without what is filled around it.
    """

    score: float
    is_rejected: bool
    threshold: float
    image: NDArray[np.uint8]
    reconstruction: NDArray[np.float32]
    error_map: NDArray[np.float32]
    problem: str | None
    frame: Frame

    def __repr__(self) -> str:
        if self.problem is not None:
            return f"Prediction(score={self.score:.5f}, rejected: {self.problem})"
        decision = "rejected" if self.is_rejected else "accepted"
        return f"Prediction(score={self.score:.5f}, {decision} at {self.threshold:.5f})"

    def plot(self) -> Figure:
        """Plot the image, its reconstruction and its error map side by side.

        The color scale of the error map is the same for all images, from 0 to 0.5, so that plots
        can be compared. It is beside the map.

        Returns:
            A Matplotlib figure; save it with `figure.savefig("part.png")`.
        """
        height = (0.1 + panel_ratio([self.frame])) * PANEL_INCHES
        figure = Figure(figsize=(3 * PANEL_INCHES, height), layout="constrained")
        panels: list[tuple[str, NDArray[Any], str, float]] = [
            ("image", self.image.squeeze(), "gray", 255),
            ("reconstruction", self.reconstruction.squeeze(), "gray", 1),
            ("error", self.error_map, "inferno", 1 / GAIN),
        ]
        grid = figure.subplots(1, len(panels))
        for axes, (title, values, color_map, largest) in zip(grid, panels, strict=True):
            drawn = self.frame.show(axes, values, cmap=color_map, vmin=0, vmax=largest)
            axes.set_title(title)
            axes.set_axis_off()
        # The last panel is the error map; larger errors than the end of the scale look like it.
        figure.colorbar(drawn, ax=grid[-1], extend="max", label="error")
        if self.problem is not None:
            figure.suptitle(f"ERROR: {self.problem}", wrap=True)
            return figure
        figure.suptitle(
            f"score {self.score:.4f}, {'NG' if self.is_rejected else 'OK'} "
            f"(threshold {self.threshold:.4f})"
        )
        return figure
