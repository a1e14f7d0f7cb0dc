"""Tiles of anomalies at the defects that masks mark."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage

from ganad_tf.data.batches.cutting import TileCutter
from ganad_tf.data.batches.kind_draws import KindDraws, draw_between
from ganad_tf.data.batches.streams import Label, Stream
from ganad_tf.data.batches.transplants import transplant
from ganad_tf.data.labeled import DEFECT_PIXEL

MARGIN = 3
"""Pixels around a defect that count as defective, too: masks are drawn by hand."""
INNER = 0.75
"""Fraction of the height and width of a tile: the chosen pixel of a defect lies in its middle."""
TRANSPLANT_ZOOMS = (-0.7, 0.3)
"""Powers of e that a transplanted defect is scaled by: most are not as thin as they can be."""
FAINTEST = 0.6
"""Least opacity of a transplanted defect."""


@dataclass(frozen=True, eq=False)
class DefectPixels:
    """The pixels of all defects, to draw one with the same probability for each kind.

    Neither does a defect with more pixels count for more.

    Attributes:
        images: The images of each kind.
        first: int64 `(anomalies + 1,)`, where the pixels of each entry of `images` begin.
        pixels: int32 `(pixels, 2)`, row and column of each pixel.
    """

    images: KindDraws
    first: NDArray[np.int64]
    pixels: NDArray[np.int32]

    @classmethod
    def find(cls, is_defect: NDArray[np.bool_], kinds: NDArray[np.int64]) -> "DefectPixels":
        """List the defect pixels of anomalies, each of which has at least one.

        Args:
            is_defect: bool `(anomalies, height, width)`.
            kinds: int64 `(anomalies,)`, the kind of each anomaly.
        """
        images = KindDraws.of(kinds)
        places = [np.argwhere(is_defect[image]).astype(np.int32) for image in images.members]
        first = np.concatenate([[0], np.cumsum([len(found) for found in places])])
        return cls(images, first, np.concatenate(places))

    def draw(self, samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Draw defect pixels.

        Args:
            samples: Uniform samples, float32 `(count, 3)` in [0, 1).

        Returns:
            The indices of the images, int64 `(count,)`, and row and column, int32 `(count, 2)`.
        """
        entry = self.images.draw_entries(samples[:, :2])
        pixel = draw_between(self.first, entry, samples[:, 2])
        return tf.gather(self.images.members, entry), tf.gather(self.pixels, pixel)


class MarkedTiles:
    """Cuts tiles that hold a defect, and the same tiles out of the masks.

    Args:
        anomalies: uint8 `(anomalies, height, width, channels)`, 0 to 255.
        kinds: int64 `(anomalies,)`, the kind of each anomaly; all kinds are drawn as often.
        masks: uint8 `(anomalies, height, width)`, with `DEFECT_PIXEL` in some pixels of each
            anomaly.
        cutter: Cuts the tiles.
    """

    def __init__(
        self,
        anomalies: NDArray[np.uint8],
        kinds: NDArray[np.int64],
        masks: NDArray[np.uint8],
        cutter: TileCutter,
    ) -> None:
        is_defect = masks == DEFECT_PIXEL
        widened = np.stack([ndimage.binary_dilation(mask, iterations=MARGIN) for mask in is_defect])
        self._anomalies, self._marks = tf.constant(anomalies), tf.constant(widened[..., np.newaxis])
        self._defects = DefectPixels.find(is_defect, kinds)
        self._cutter, self._samples = cutter, cutter.samples

    def __call__(self, shard: tf.Tensor, normal: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Make the tiles of anomalies of a shard.

        Args:
            shard: Number of the shard, int64 scalar.
            normal: The normal tiles of the shard, float32 `(batch, tile, tile, channels)`, 0 to
                255, onto some of which defects are laid.

        Returns:
            The tiles, float32 `(batch, tile, tile, channels)`, 0 to 255, as the only candidate,
            and their marks, float32 `(batch, tile, tile)`: 1 where they are defective, else 0.
        """
        drawn = self._samples.uniform(Stream.MARKED_PLACE, shard, Label.ANOMALY, 5)
        chosen, pixels = self._defects.draw(drawn[:, :3])
        centers = self._around(pixels, drawn[:, 3:])
        images, masks = tf.gather(self._anomalies, chosen), tf.gather(self._marks, chosen)

        def cut(zooms: tuple[float, float] | None) -> tuple[tf.Tensor, tf.Tensor]:
            transforms = self._cutter.transforms(
                centers, Stream.MARKED_TRANSFORM, shard, Label.ANOMALY, zooms=zooms
            )
            tiles = self._cutter.cut(images, transforms)
            return tiles, self._cutter.cut(masks, transforms, "NEAREST")

        tiles, marks = cut(zooms=None)
        if self._cutter.config.transplant:
            other_tiles, other_marks = cut(TRANSPLANT_ZOOMS)
            moved, is_moved = self._transplanted(normal, other_tiles, other_marks, shard)
            tiles = tf.where(is_moved, moved, tiles)
            marks = tf.where(is_moved, other_marks, marks)
        return [tiles], marks[..., 0]

    def _around(self, pixels: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        """Return centers of tiles that have a pixel in their middle part, but for the border."""
        offsets = INNER * self._cutter.tile * (samples - 0.5)
        return self._cutter.inside(tf.cast(pixels, tf.float32) + offsets)

    def _transplanted(
        self, normal: tf.Tensor, tiles: tf.Tensor, marks: tf.Tensor, shard: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Lay defects onto the normal tiles of the batch, and choose which of them to take.

        Returns:
            The tiles, and which of them to take, bool `(batch, 1, 1, 1)`.
        """
        samples = self._samples.uniform(Stream.TRANSPLANT, shard, Label.ANOMALY, 2)
        opacity = FAINTEST + (1 - FAINTEST) * samples[:, 1]
        moved, is_sensible = transplant(normal, tiles, marks, opacity)
        is_taken = is_sensible & (samples[:, 0] < self._cutter.config.transplant)
        return moved, is_taken[:, None, None, None]
