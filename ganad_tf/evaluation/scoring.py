"""Scores of images under the float generator of Keras."""

import keras
import numpy as np
from numpy.typing import NDArray

from ganad_station.score import (
    WHOLE_IMAGE,
    ScoreRule,
    clip_reconstructions,
    reconstruct_views,
    scores,
    shown_maps,
    to_input,
)
from ganad_tf.models.checkpoints import load_generator
from ganad_tf.run import Run

BATCH = 256
"""Number of images, counting views, that are reconstructed at once."""


class Scorer:
    """A generator together with the rule by which its reconstructions are scored.

    All images are uint8 `(count, height, width, channels)`, 0 to 255.

    Args:
        generator: Model that maps float32 images in [0, 1] to their reconstructions.
        rule: The patches and views that a score is computed from.
    """

    def __init__(self, generator: keras.Model, rule: ScoreRule = WHOLE_IMAGE) -> None:
        self.generator = generator
        self.rule = rule

    @classmethod
    def of(cls, run: Run) -> "Scorer":
        """Load the generator of a trained run, with the score rule of its configuration.

        Raises:
            UserError: If the generator cannot be loaded.
        """
        return cls(load_generator(run.generator_path), run.config.score.rule)

    def reconstruct(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the reconstructions of a batch of images.

        Returns:
            float32 `(views, count, height, width, channels)`, clipped to [0, 1].
        """

        def predict(view: NDArray[np.uint8]) -> NDArray[np.float32]:
            return clip_reconstructions(self.generator.predict_on_batch(to_input(view)))

        return reconstruct_views(images, predict, self.rule.views)

    def scores(
        self, images: NDArray[np.uint8], boxes: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Return the anomaly score of each image, float64 `(count,)` in [0, 1].

        Args:
            images: The images to score.
            boxes: Where the picture is in each image, see `LabeledImages`.
        """
        return np.concatenate(
            [
                scores(
                    images[batch],
                    self.reconstruct(images[batch]),
                    self.rule,
                    None if boxes is None else boxes[batch],
                )
                for batch in self._batches(images)
            ]
        )

    def error_maps(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the error map of each image, float32 `(count, height, width)` in [0, 1].

        The maps are smoothed over the window of the rule, see `ganad_station.score.shown_maps`.
        """
        return np.concatenate(
            [
                shown_maps(images[batch], self.reconstruct(images[batch]), self.rule)
                for batch in self._batches(images)
            ]
        )

    def _batches(self, images: NDArray[np.uint8]) -> list[slice]:
        count = BATCH // self.rule.views
        return [slice(start, start + count) for start in range(0, len(images), count)]
