"""Tiles at the defects that masks mark."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage

from ganad_tf.data.batches.kind_draws import KindDraws, draw_between
from ganad_tf.data.batches.paired import ANOMALY_STREAM
from ganad_tf.data.batches.tiles import AnomalyMaker, TiledBatches
from ganad_tf.data.batches.transplants import transplant
from ganad_tf.data.labeled import DEFECT_PIXEL

MARGIN = 3
"""Pixels around a defect that count as defective, too: masks are drawn by hand."""
INNER = 0.75
"""The middle part of a tile, of its height and width, that the chosen pixel of a defect is in."""
TRANSPLANT_ZOOMS = (-0.7, 0.3)
"""Powers of e that a transplanted defect is scaled by: most are not as thin as they can be."""
FAINTEST = 0.6
"""Least opacity of a transplanted defect."""


@dataclass(frozen=True, eq=False)
class DefectPixels:
    """Where the defects are, for drawing one with the same chance for each kind.

    The pixels of a defect do not make it count for more, either.

    Attributes:
        images: The images of each kind.
        first: int64 `(anomalies + 1,)`, where the pixels of each entry of `images` begin.
        pixels: int32 `(pixels, 2)`, row and column of each.
    """

    images: KindDraws
    first: NDArray[np.int64]
    pixels: NDArray[np.int32]

    @classmethod
    def find(cls, is_defect: NDArray[np.bool_], kinds: NDArray[np.int64]) -> "DefectPixels":
        """List the defect pixels of anomalies, each of which has some.

        Args:
            is_defect: bool `(anomalies, height, width)`.
            kinds: int64 `(anomalies,)`.
        """
        images = KindDraws.of(kinds)
        places = [np.argwhere(is_defect[image]).astype(np.int32) for image in images.members]
        first = np.concatenate([[0], np.cumsum([len(found) for found in places])])
        return cls(images, first, np.concatenate(places))

    def draw(self, chances: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Draw defect pixels.

        Args:
            chances: float32 `(count, 3)` in [0, 1).

        Returns:
            The indices of the images, `(count,)`, and row and column, int32 `(count, 2)`.
        """
        entry = self.images.draw_entries(chances[:, :2])
        pixel = draw_between(self.first, entry, chances[:, 2])
        return tf.gather(self.images.members, entry), tf.gather(self.pixels, pixel)


@dataclass(frozen=True, eq=False, kw_only=True)
class MarkedTiles(TiledBatches):
    """Tiles of normal images and tiles that hold a defect, with the defect marked.

    Attributes:
        masks: uint8 `(anomalies, size, size)`; `DEFECT_PIXEL` in some pixels of each.
    """

    masks: NDArray[np.uint8]

    def _anomaly_maker(self) -> AnomalyMaker:
        is_defect = self.masks == DEFECT_PIXEL
        widened = np.stack([ndimage.binary_dilation(mask, iterations=MARGIN) for mask in is_defect])
        anomalies, marks = tf.constant(self.anomalies), tf.constant(widened[..., np.newaxis])
        defects = DefectPixels.find(is_defect, self.kinds)

        def make(part: tf.Tensor, normal: tf.Tensor) -> tuple[tf.Tensor, ...]:
            chances = self._chances(part, ANOMALY_STREAM, 5)
            chosen, pixels = defects.draw(chances[:, :3])
            centres = self._around(pixels, chances[:, 3:])
            pictures, masks = tf.gather(anomalies, chosen), tf.gather(marks, chosen)

            def cut(zooms: tuple[float, float]) -> tuple[tf.Tensor, tf.Tensor]:
                transforms = self._transforms(centres, part, ANOMALY_STREAM, zooms)
                return (
                    self._cut(pictures, transforms, "BILINEAR"),
                    self._cut(masks, transforms, "NEAREST"),
                )

            anomaly, marked = cut(self._zooms)
            if self.config.transplant:
                other_tiles, other_marks = cut(TRANSPLANT_ZOOMS)
                moved, is_moved = self._transplanted(normal, other_tiles, other_marks, part)
                anomaly = tf.where(is_moved, moved, anomaly)
                marked = tf.where(is_moved, other_marks, marked)
            return self._lit(anomaly / 255.0, part, ANOMALY_STREAM), marked[..., 0]

        return make

    def _around(self, pixels: tf.Tensor, chances: tf.Tensor) -> tf.Tensor:
        """Return centres of tiles that have a pixel in their middle part, but for the border."""
        return self._inside(tf.cast(pixels, tf.float32) + INNER * self.tile * (chances - 0.5))

    def _transplanted(
        self, normal: tf.Tensor, tiles: tf.Tensor, marks: tf.Tensor, part: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Lay defects onto the good tiles of the batch, and choose which of them to take.

        Returns:
            The tiles, and which of them to take, bool `(batch, 1, 1, 1)`.
        """
        chances = self._chances(part, ANOMALY_STREAM, 2, draw=2)
        opacity = FAINTEST + (1 - FAINTEST) * chances[:, 1]
        moved, is_sensible = transplant(normal, tiles, marks, opacity)
        is_taken = is_sensible & (chances[:, 0] < self.config.transplant)
        return moved, is_taken[:, None, None, None]
