"""What every runtime offers: a model from an image to its reconstruction."""

from typing import Tuple

import numpy as np

from ganad_station.score import WHOLE_IMAGE, ScoreRule, reconstruct_views, scores


class Model:
    """A generator under some runtime; the subclasses say which.

    Args:
        image_shape: Height, width and channels of its images.
        runtime: What runs it, for people.
    """

    def __init__(self, image_shape: Tuple[int, ...], runtime: str) -> None:
        self.image_shape = image_shape
        self.runtime = runtime

    def reconstruct_one(self, image: np.ndarray) -> np.ndarray:
        """Reconstruct an image.

        Args:
            image: uint8 `(height, width, channels)`, 0 to 255.

        Returns:
            The same shape; uint8, 0 to 255, of an integer model, else float32 in [0, 1].
        """
        raise NotImplementedError

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Reconstruct images `(count, height, width, channels)` one by one."""
        return np.stack([self.reconstruct_one(image) for image in images])

    def reconstruct_views(self, images: np.ndarray, rule: ScoreRule) -> np.ndarray:
        """Return what the scores of images `(count, height, width, channels)` come from.

        Returns:
            The reconstructions, with the views of the rule as a further axis in front.
        """
        return reconstruct_views(images, self.reconstruct, rule.views)

    def score(self, images: np.ndarray, rule: ScoreRule = WHOLE_IMAGE) -> np.ndarray:
        """Return the anomaly score of each image by a rule, float64 `(count,)` in [0, 1]."""
        one_by_one = (image[np.newaxis] for image in images)
        return np.concatenate(
            [scores(image, self.reconstruct_views(image, rule), rule) for image in one_by_one]
        )
