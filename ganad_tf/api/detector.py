"""Detecting anomalies in images with a trained run or an exported bundle."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganad_station.appearance import Appearance
from ganad_station.bundle import Bundle
from ganad_station.choice import choose_model
from ganad_station.fitting import box_of, boxes_of
from ganad_station.inspector import decide
from ganad_station.manifest import MANIFEST_FILE
from ganad_station.measurements import prepare_and_measure, shape_of
from ganad_station.pages import PagesNotice
from ganad_station.score import PIXEL_LEVELS, ScoreRule, scores, shown_maps
from ganad_station.verification import Outcome
from ganad_tf.api.prediction import Prediction
from ganad_tf.errors import UserError, station_errors_as_user_errors
from ganad_tf.evaluation.frames import Frame
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import RUN_FILE, Run

BATCH_SIZE = 16
logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Picture = str | os.PathLike[str] | Image.Image | Pixels
"""A picture of any size: a path, a Pillow image, or a uint8 or uint16 array `(height, width)`,
`(height, width, 1)` or `(height, width, 3)`."""
Reconstruct = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""From uint8 images `(count, height, width, channels)` to their reconstructions
`(views, count, height, width, channels)`: uint8, 0 to 255, or float32 in [0, 1]."""


class Detector:
    """A trained anomaly detector, either the float model of a run or the model of a bundle.

    `Detector.load` makes one. Both kinds prepare images, compute scores and decide with the code
    that runs on the station.

    Example:
    ```python
    detector = ganad_tf.Detector.load("runs/parts")
    result = detector.predict("part.png")
    print(result.score, result.is_rejected)
    result.plot().savefig("result.png")
    ```

    Args:
        reconstruct: The model, from images to the reconstructions of their views.
        image_shape: Height, width and channels of the images that the model takes.
        illumination: What is evened out of an image, see `ganad_station.illumination`.
        fit: How a picture is fitted into an image, see `ganad_station.fitting`.
        score_rule: What a score is computed from.
        threshold: The largest score that is accepted.
        name: What runs the model, for people.
        appearance: What the training pictures look like; None to decide on any picture.
        outcome: What the verification of the model proved, `"verified"`, `"undecided"` or
            `"failed"`; None for the float model of a run, and for a model that is not verified.
        white_level: The level of pictures with more than 8 bits that becomes 255, see
            `ganad_station.images.prepare_image`; None if all training pictures had 8 bits.
    """

    def __init__(
        self,
        reconstruct: Reconstruct,
        image_shape: tuple[int, int, int],
        illumination: str,
        fit: str,
        score_rule: ScoreRule,
        threshold: float,
        name: str,
        appearance: Appearance | None = None,
        outcome: Outcome | None = None,
        white_level: int | None = None,
    ) -> None:
        self._reconstruct = reconstruct
        self.image_shape = image_shape
        self.illumination = illumination
        self.fit = fit
        self.score_rule = score_rule
        self.threshold = threshold
        self.name = name
        self.outcome = outcome
        self.white_level = white_level
        self._pages = PagesNotice(logger.warning)
        self._appearance = appearance

    def __repr__(self) -> str:
        height, width, channels = self.image_shape
        return f"Detector({self.name}, {height}x{width}x{channels}, threshold {self.threshold:.5f})"

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], threads: int = 1, accept_failed: bool = False
    ) -> "Detector":
        """Load a detector from a run folder or a bundle folder.

        Args:
            path: A run folder that `train` wrote, whose float Keras model is loaded, or a bundle
                folder that `export` wrote, of which the first model that runs here is loaded.
            threads: Number of threads of the runtime of a bundle.
            accept_failed: Whether a model of a bundle that failed its verification is loaded, with
                a warning. Otherwise, it is skipped. A model of which the verification is missing or
                undecided is always loaded with a warning, from the logger `ganad_tf`.

        Returns:
            The detector. It decides at the threshold of the last calibration, if there was one, or
            else at the threshold of the evaluation (run) or of the export (bundle).

        Raises:
            ganad_tf.UserError: If the folder is neither, the run is not evaluated, a file is
                missing or damaged, or no model of the bundle runs here and has not failed.
        """
        folder = Path(path)
        if (folder / RUN_FILE).is_file():
            return cls._of_run(Run.open(folder))
        if (folder / MANIFEST_FILE).is_file():
            with station_errors_as_user_errors():
                return cls._of_bundle(Bundle.open(folder), threads, accept_failed)
        raise UserError(
            f"{folder} is neither a run (no {RUN_FILE}) nor a bundle (no {MANIFEST_FILE}): "
            "give a folder that train or export wrote"
        )

    @classmethod
    def _of_run(cls, run: Run) -> "Detector":
        threshold = run.threshold.value
        scorer = Scorer.of(run)
        _, height, width, channels = scorer.generator.input_shape
        return cls(
            scorer.reconstruct,
            (height, width, channels),
            run.config.data.illumination,
            run.config.data.fit,
            scorer.rule,
            threshold,
            f"float model of {run.folder}",
            run.appearance,
            white_level=run.config.data.levels,
        )

    @classmethod
    def _of_bundle(cls, bundle: Bundle, threads: int, accept_failed: bool) -> "Detector":
        choice = choose_model(bundle, threads, accept_failed, "pass accept_failed=True to use it")
        for warning in choice.warnings:
            logger.warning(warning)
        manifest, model, name = bundle.manifest, choice.model, choice.path.name

        def reconstruct(images: NDArray[np.uint8]) -> NDArray[Any]:
            return model.reconstruct_views(images, manifest.score)

        return cls(
            reconstruct,
            manifest.input.shape,
            manifest.input.illumination,
            manifest.input.fit,
            manifest.score,
            bundle.threshold_of(name),
            f"{name} of {bundle.folder} under {model.runtime}",
            manifest.appearance,
            choice.outcome,
            manifest.input.white_level,
        )

    # A str is a sequence of str, too, so the signatures overlap.
    @overload
    def predict(  # type: ignore[overload-overlap]
        self, pictures: str | os.PathLike[str] | Image.Image
    ) -> Prediction: ...

    @overload
    def predict(self, pictures: Pixels) -> Any: ...

    @overload
    def predict(self, pictures: Sequence[Picture]) -> list[Prediction]: ...

    def predict(self, pictures: Picture | Sequence[Picture]) -> Prediction | list[Prediction]:
        """Score one picture or several.

        A file, the Pillow image in it and the array of its pixels get the same score. Pillow drops
        the lower 8 bits of 16-bit colors when it loads them: pass the path, or an image that is
        only opened.

        Args:
            pictures: A path, a Pillow image, or a uint8 or uint16 array `(height, width)`,
                `(height, width, 1)` or `(height, width, 3)` of any size; or a list of these, or an
                array `(count, height, width, channels)`. The levels of uint16 arrays are those of a
                16-bit file: 0 to `white_level`.

        Returns:
            A `Prediction` for one picture, a list of them for several. A picture that is unlike the
            training pictures is rejected, and the `problem` of its prediction says why.

        Raises:
            ganad_tf.UserError: If a picture cannot be read, or an array has another shape or dtype.
        """
        if _is_one(pictures):
            return self._predict_batch([pictures])[0]
        return [result for batch in _batches(pictures) for result in self._predict_batch(batch)]

    def _predict_batch(self, pictures: Sequence[Any]) -> list[Prediction]:
        prepared = [self._prepare(picture) for picture in pictures]
        images = np.stack([image for image, _ in prepared])
        reconstructions = self._reconstruct(images)
        shapes = [shape_of(measurements) for _, measurements in prepared]
        boxes = boxes_of(shapes, images.shape[1:3], self.fit)
        found = scores(images, reconstructions, self.score_rule, boxes)
        maps = shown_maps(images, reconstructions, self.score_rule)
        plain = _to_float(reconstructions[0])
        predictions = []
        for index, (image, measurements) in enumerate(prepared):
            score = float(found[index])
            is_ng, problem = decide(score, self.threshold, self._appearance, measurements)
            is_ng = is_ng or problem is not None
            shown = image, plain[index], maps[index]
            box = box_of(shapes[index], images.shape[1:3], self.fit)
            frame = Frame.of(box, shapes[index])
            predictions.append(Prediction(score, is_ng, self.threshold, *shown, problem, frame))
        return predictions

    def _prepare(self, picture: Any) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        height, width, channels = self.image_shape
        with station_errors_as_user_errors():
            form = ((height, width), channels, self.illumination, self.white_level, self.fit)
            prepared = prepare_and_measure(picture, *form)
        if isinstance(picture, str | os.PathLike):
            self._pages.look_at(Path(picture))
        return prepared


def _is_one(pictures: Any) -> bool:
    if isinstance(pictures, np.ndarray):
        return pictures.ndim < 4
    return isinstance(pictures, str | os.PathLike | Image.Image)


def _batches(pictures: Any) -> Iterator[Sequence[Any]]:
    for start in range(0, len(pictures), BATCH_SIZE):
        yield pictures[start : start + BATCH_SIZE]


def _to_float(reconstructions: NDArray[Any]) -> NDArray[np.float32]:
    if reconstructions.dtype == np.uint8:
        return reconstructions.astype(np.float32) / np.float32(PIXEL_LEVELS)
    return reconstructions
