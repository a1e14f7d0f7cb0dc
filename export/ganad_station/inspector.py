"""Inspecting pictures with a bundle."""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ganad_station.bundle import Bundle
from ganad_station.choice import choose_model
from ganad_station.images import prepare_image
from ganad_station.score import PIXEL_LEVELS, ScoreRule, scores, shown_maps
from ganad_station.threshold import is_rejected


class Inspection(NamedTuple):
    """The outcome of inspecting a picture.

    Attributes:
        score: The anomaly score in [0, 1].
        is_ng: Whether the score is rejected, see `ganad_station.threshold.is_rejected`.
        image: The image that the model took, uint8 `(height, width, channels)`, 0 to 255.
        reconstructions: Its reconstructions, one per view, `(views, height, width, channels)`;
            uint8, 0 to 255, or float32 in [0, 1].
        rule: The rule that the score was computed by.
        seconds: Time from the file to the decision.
    """

    score: float
    is_ng: bool
    image: np.ndarray
    reconstructions: np.ndarray
    rule: ScoreRule
    seconds: float

    @property
    def error_map(self) -> np.ndarray:
        """The error of each pixel as it is displayed, uint8 `(height, width)`, 0 to 255."""
        reconstructions = self.reconstructions[:, np.newaxis]
        (shown,) = shown_maps(self.image[np.newaxis], reconstructions, self.rule)
        return np.round(shown * PIXEL_LEVELS).astype(np.uint8)


class Inspector:
    """Inspects pictures with the first model of a bundle that runs here.

    Args:
        bundle: The bundle whose models, threshold and score rule are used.
        threads: Number of threads of the runtime.
        accept_failed: Whether a model that failed its verification is used.

    Raises:
        StationError: If none of its models runs here, or all that do failed their verification.
    """

    def __init__(self, bundle: Bundle, threads: int = 1, accept_failed: bool = False) -> None:
        self.bundle = bundle
        self.model_name, self.model = choose_model(bundle, threads, accept_failed)
        self.threshold = bundle.threshold_of(self.model_name)

    def read(self, path: Path) -> np.ndarray:
        """Return the image of a picture that the models take, uint8 `(height, width, channels)`.

        Raises:
            UnreadableImageError: If the file cannot be read as a picture.
        """
        taken = self.bundle.manifest.input
        return prepare_image(path, taken.height, taken.channels, taken.illumination)

    def inspect(self, path: Path) -> Inspection:
        """Score a picture.

        Raises:
            UnreadableImageError: If the file cannot be read as a picture.
        """
        start = time.perf_counter()
        image = self.read(path)
        rule = self.bundle.manifest.score
        reconstructions = self.model.reconstruct_views(image[np.newaxis], rule)
        score = float(scores(image[np.newaxis], reconstructions, rule)[0])
        seconds = time.perf_counter() - start
        is_ng = bool(is_rejected(score, self.threshold))
        return Inspection(score, is_ng, image, reconstructions[:, 0], rule, seconds)
