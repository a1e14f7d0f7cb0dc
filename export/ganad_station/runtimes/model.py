"""What every runtime offers: a model from an image to its reconstruction."""

from typing import Tuple

import numpy as np

from ganad_station.score import WHOLE_IMAGE, ScoreRule, scores


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

    def score(self, images: np.ndarray, rule: ScoreRule = WHOLE_IMAGE) -> np.ndarray:
        """Return the anomaly score of each image by a rule, float64 `(count,)` in [0, 1]."""
        return np.concatenate(
            [
                scores(image[np.newaxis], self.reconstruct_one(image)[np.newaxis], rule)
                for image in images
            ]
        )
