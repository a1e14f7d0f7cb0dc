"""The interface of all runtimes: a model that reconstructs images."""

from typing import Optional, Tuple

import numpy as np

from ganad_station.score import WHOLE_IMAGE, ScoreRule, reconstruct_views, scores


class Model:
    """A generator in a runtime; there is a subclass for each runtime.

    Args:
        image_shape: Height, width and channels of the images.
        runtime: Name of the runtime, for messages.
    """

    def __init__(self, image_shape: Tuple[int, ...], runtime: str) -> None:
        self.image_shape = image_shape
        self.runtime = runtime

    def reconstruct_one(self, image: np.ndarray) -> np.ndarray:
        """Reconstruct an image.

        Args:
            image: uint8 `(height, width, channels)`, 0 to 255.

        Returns:
            The reconstruction, of the same shape; uint8, 0 to 255, for an integer model, else
            float32 in [0, 1].
        """
        raise NotImplementedError

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Reconstruct images `(count, height, width, channels)` one by one."""
        return np.stack([self.reconstruct_one(image) for image in images])

    def reconstruct_views(self, images: np.ndarray, rule: ScoreRule) -> np.ndarray:
        """Reconstruct the views of images `(count, height, width, channels)`.

        Returns:
            The reconstructions, with the views of the rule as an additional first axis.
        """
        return reconstruct_views(images, self.reconstruct, rule.views)

    def score(
        self,
        images: np.ndarray,
        rule: ScoreRule = WHOLE_IMAGE,
        boxes: Optional[np.ndarray] = None,
    ) -> np.ndarray:
        """Return the anomaly score of each image by a rule, float64 `(count,)` in [0, 1].

        Args:
            images: uint8 `(count, height, width, channels)`, 0 to 255.
            rule: The patches and views that the score is averaged over.
            boxes: Where the picture is in each image, see `ganad_station.score.scores`.
        """
        found = []
        for number in range(len(images)):
            image = images[number : number + 1]
            box = None if boxes is None else boxes[number : number + 1]
            found.append(scores(image, self.reconstruct_views(image, rule), rule, box))
        return np.concatenate(found)
