"""Inspecting pictures with a bundle."""

import sys
import time
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

import numpy as np

from ganad_station.appearance import Appearance
from ganad_station.bundle import Bundle
from ganad_station.choice import choose_model
from ganad_station.fitting import STRETCH, boxes_of
from ganad_station.journal.records import ERROR, NG, OK
from ganad_station.measurements import prepare_and_measure, shape_of
from ganad_station.pages import PagesNotice
from ganad_station.printing import printable
from ganad_station.score import PIXEL_LEVELS, ScoreRule, scores, shown_maps
from ganad_station.threshold import is_rejected

ANY_PICTURE_HELP = (
    "also decide on pictures that are unlike the training pictures, such as black ones"
)
NOT_A_NUMBER = "the model gives it a score that is not a number: export the bundle again"


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
        problem: Why the score says nothing about the part, see `decide`; None if it does.
        shape: Height and width of the picture as the camera took it, in pixels; None if that is not
            known.
        fit: How it was fitted into the image, see `ganad_station.fitting`.
    """

    score: float
    is_ng: bool
    image: np.ndarray
    reconstructions: np.ndarray
    rule: ScoreRule
    seconds: float
    problem: Optional[str] = None
    shape: Optional[Tuple[int, int]] = None
    fit: str = STRETCH

    @property
    def decision(self) -> str:
        """`ERROR` where there is a problem, or else `NG` or `OK`."""
        if self.problem is not None:
            return ERROR
        return NG if self.is_ng else OK

    @property
    def is_unlike(self) -> bool:
        """Whether the picture is unlike the training pictures, so that it tells of no part."""
        return self.problem is not None and self.problem != NOT_A_NUMBER

    @property
    def error_map(self) -> np.ndarray:
        """The error of each pixel as it is displayed, uint8 `(height, width)`, 0 to 255."""
        reconstructions = self.reconstructions[:, np.newaxis]
        (shown,) = shown_maps(self.image[np.newaxis], reconstructions, self.rule)
        return np.round(shown * PIXEL_LEVELS).astype(np.uint8)


class Inspector:
    """Inspects pictures with the first model of a bundle that runs here.

    Models that are skipped, and a model that is not verified, are named on stderr.

    Args:
        bundle: The bundle whose models, threshold and score rule are used.
        threads: Number of threads of the runtime.
        accept_failed: Whether a model that failed its verification is used.
        any_picture: Whether pictures that are unlike the training pictures are decided, too.

    Raises:
        StationError: If none of its models runs here, or all that do failed their verification.
    """

    def __init__(
        self,
        bundle: Bundle,
        threads: int = 1,
        accept_failed: bool = False,
        any_picture: bool = False,
    ) -> None:
        self.bundle = bundle
        self._appearance = None if any_picture else bundle.manifest.appearance
        self.choice = choose_model(bundle, threads, accept_failed)
        for warning in self.choice.warnings:
            _warn(warning)
        self._pages = PagesNotice(_warn)
        self.model_name, self.model = self.choice.path.name, self.choice.model
        self.threshold = bundle.threshold_of(self.model_name)

    def read(self, path: Path) -> Tuple[np.ndarray, np.ndarray]:
        """Read a picture.

        Returns:
            The image that the models take, uint8 `(height, width, channels)`, and the measurements
            of the picture, see `ganad_station.measurements.measure`.

        Raises:
            UnreadableImageError: If the file cannot be read as a picture.
        """
        taken = self.bundle.manifest.input
        prepared = prepare_and_measure(
            path,
            taken.shape[:2],
            taken.channels,
            taken.illumination,
            taken.white_level,
            taken.fit,
        )
        self._pages.look_at(path)
        return prepared

    def inspect(self, path: Path) -> Inspection:
        """Score a picture.

        Raises:
            UnreadableImageError: If the file cannot be read as a picture.
        """
        start = time.perf_counter()
        image, measurements = self.read(path)
        rule = self.bundle.manifest.score
        reconstructions = self.model.reconstruct_views(image[np.newaxis], rule)
        shape, fit = shape_of(measurements), self.bundle.manifest.input.fit
        boxes = boxes_of([shape], image.shape[:2], fit)
        score = float(scores(image[np.newaxis], reconstructions, rule, boxes)[0])
        is_ng, problem = decide(score, self.threshold, self._appearance, measurements)
        seconds = time.perf_counter() - start
        return Inspection(
            score,
            is_ng,
            image,
            reconstructions[:, 0],
            rule,
            seconds,
            problem,
            shape,
            fit,
        )


def _warn(text: str) -> None:
    print(f"warning: {printable(text)}", file=sys.stderr, flush=True)


def decide(
    score: float, threshold: float, appearance: Optional[Appearance], measurements: np.ndarray
) -> Tuple[bool, Optional[str]]:
    """Decide on a scored picture.

    Args:
        score: The score of the picture.
        threshold: The largest score that is accepted.
        appearance: What the training pictures look like, None if that is not known.
        measurements: The measurements of the picture, see `ganad_station.measurements.measure`.

    Returns:
        Whether the score is rejected, and why it says nothing about a part; None if it does.
    """
    is_ng = bool(is_rejected(score, threshold))
    if not np.isfinite(score):
        return is_ng, NOT_A_NUMBER
    return is_ng, None if appearance is None else appearance.problem(measurements, is_ng)
