"""Tiles of large images for training: anywhere in normal ones, at a defect in the others.

A tile is cut, turned, zoomed and mirrored in one resampling. As in `ganad_tf.data.batches`, every
random draw is a function of the seed and the number of the step.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage

from ganad_tf.data.batches import ANOMALY_STREAM, NORMAL_STREAM, PairedBatches
from ganad_tf.data.labeled import DEFECT_PIXEL
from ganad_tf.data.transplants import transplant
from ganad_tf.errors import UserError

MARGIN = 3
"""Pixels around a defect that count as defective, too: masks are drawn by hand."""
TRANSPLANT_ZOOMS = (-0.7, 0.3)
"""Powers of e that a transplanted defect is scaled by: most are not as thin as they can be."""
FAINTEST = 0.6
"""Least opacity of a transplanted defect."""
INNER = 0.75
"""The middle part of a tile, of its height and width, that the chosen pixel of a defect is in."""


@dataclass(frozen=True, eq=False)
class DefectPixels:
    """Where the defects are, for drawing one with the same chance for each kind.

    A kind is drawn, then one of its images, then one of the defect's pixels: neither the images of
    a kind nor the pixels of a defect make it count for more.

    Attributes:
        kind_first: int64 `(kinds + 1,)`, where the images of each kind begin; the last is the end.
        images: int64 `(anomalies,)`, indices of the images, kind by kind.
        pixel_first: int64 `(anomalies + 1,)`, where the pixels of each entry of `images` begin.
        pixels: int32 `(pixels, 2)`, row and column of each.
    """

    kind_first: NDArray[np.int64]
    images: NDArray[np.int64]
    pixel_first: NDArray[np.int64]
    pixels: NDArray[np.int32]

    @classmethod
    def find(cls, is_defect: NDArray[np.bool_], kinds: NDArray[np.int64]) -> "DefectPixels":
        """List the defect pixels of anomalies, each of which has some.

        Args:
            is_defect: bool `(anomalies, height, width)`.
            kinds: int64 `(anomalies,)`.
        """
        order = np.argsort(kinds, kind="stable")
        places = [np.argwhere(is_defect[image]).astype(np.int32) for image in order]
        _, counts = np.unique(kinds, return_counts=True)
        return cls(
            np.concatenate([[0], np.cumsum(counts)]),
            order,
            np.concatenate([[0], np.cumsum([len(found) for found in places])]),
            np.concatenate(places),
        )

    def draw(self, chances: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Draw defect pixels.

        Args:
            chances: float32 `(count, 3)` in [0, 1).

        Returns:
            The indices of the images, `(count,)`, and row and column, int32 `(count, 2)`.
        """
        kind = tf.cast(chances[:, 0] * (len(self.kind_first) - 1), tf.int64)
        entry = _between(self.kind_first, kind, chances[:, 1])
        pixel = _between(self.pixel_first, entry, chances[:, 2])
        return tf.gather(self.images, entry), tf.gather(self.pixels, pixel)


def _replaced(
    tiles: tuple[tf.Tensor, ...], others: tuple[tf.Tensor, ...], is_replaced: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Return tiles and their marks, with others in the place of some."""
    chosen = is_replaced[:, None, None, None]
    return tuple(tf.where(chosen, b, a) for a, b in zip(tiles, others, strict=True))


def _between(first: NDArray[np.int64], group: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    """Draw one of the numbers of each group, from its first up to that of the next group."""
    begin, end = tf.gather(first, group), tf.gather(first, group + 1)
    offset = tf.cast(tf.cast(chance, tf.float64) * tf.cast(end - begin, tf.float64), tf.int64)
    return begin + offset


@dataclass(frozen=True, eq=False, kw_only=True)
class TiledBatches(PairedBatches):
    """Tiles of normal images and tiles that hold a defect, with the defect marked.

    An epoch is `config.passes` passes over the normal images, each of which gives a tile a pass.

    Attributes:
        masks: uint8 `(anomalies, size, size)`; `DEFECT_PIXEL` in some pixels of each.
        kinds: int64 `(anomalies,)`, the kind of each anomaly.
        tile: Height and width of a tile in pixels, at most `size`.

    Raises:
        UserError: If there are fewer normal images than replicas, or no anomalies.
    """

    masks: NDArray[np.uint8]
    kinds: NDArray[np.int64]
    tile: int

    def __post_init__(self) -> None:
        """Raise `UserError` where there is nothing to train on."""
        super().__post_init__()
        if not len(self.anomalies):
            raise UserError("no defect is marked by a mask: tiles are cut where masks mark defects")

    def _batch_maker(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
        is_defect = self.masks == DEFECT_PIXEL
        widened = np.stack([ndimage.binary_dilation(mask, iterations=MARGIN) for mask in is_defect])
        normals, anomalies = tf.constant(self.normals), tf.constant(self.anomalies)
        marks = tf.constant(widened[..., np.newaxis].astype(np.uint8))
        defects = DefectPixels.find(is_defect, self.kinds)

        def make(part: tf.Tensor) -> tuple[tf.Tensor, ...]:
            chances = self._chances(part, NORMAL_STREAM, 2)
            chosen = self._chosen(len(self.normals), NORMAL_STREAM, part)
            centres = self._anywhere(chances)
            transforms = self._transforms(centres, part, NORMAL_STREAM, self._zooms)
            normal = self._cut(tf.gather(normals, chosen), transforms, "BILINEAR")
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
                others, is_replaced = self._transplanted(normal, *cut(TRANSPLANT_ZOOMS), part)
                anomaly, marked = _replaced((anomaly, marked), others, is_replaced)
            return (
                self._lit(normal / 255.0, part, NORMAL_STREAM),
                self._lit(anomaly / 255.0, part, ANOMALY_STREAM),
                marked[..., 0],
            )

        return make

    @property
    def _zooms(self) -> tuple[float, float]:
        return -self.config.zoom, self.config.zoom

    def _transplanted(
        self, normal: tf.Tensor, tiles: tf.Tensor, marks: tf.Tensor, part: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Lay defects onto the good tiles of the batch, and choose which of them to take.

        Returns:
            The tiles and their marks, and whether each takes the place of the tile it came from.
        """
        chances = self._chances(part, ANOMALY_STREAM, 2, draw=2)
        opacity = FAINTEST + (1 - FAINTEST) * chances[:, 1]
        moved, is_sensible = transplant(normal, tiles, marks, opacity)
        return (moved, marks), is_sensible & (chances[:, 0] < self.config.transplant)

    def _chances(self, part: tf.Tensor, stream: int, columns: int, draw: int = 0) -> tf.Tensor:
        seed = self._step_seed(part, stream) + tf.constant([draw << 32, 0], tf.int64)
        drawn = tf.random.stateless_uniform((self._all_images, columns), seed)
        return self._own(drawn, part)

    def _anywhere(self, chances: tf.Tensor) -> tf.Tensor:
        """Return centres of tiles around any pixel, float32 `(batch, 2)`.

        A tile of a pixel near the border is moved inside, so that borders are seen as often as
        the rest: a tile placed anywhere inside hardly ever has the outermost pixels.
        """
        return self._inside(chances * self.normals.shape[1])

    def _around(self, pixels: tf.Tensor, chances: tf.Tensor) -> tf.Tensor:
        """Return centres of tiles that have a pixel in their middle part, but for the border."""
        return self._inside(tf.cast(pixels, tf.float32) + INNER * self.tile * (chances - 0.5))

    def _inside(self, centres: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(centres, self.tile / 2, self.normals.shape[1] - self.tile / 2)

    def _transforms(
        self, centres: tf.Tensor, part: tf.Tensor, stream: int, zooms: tuple[float, float]
    ) -> tf.Tensor:
        """Return the projective transforms from the pixels of tiles to those of images."""
        chances = self._chances(part, stream, 4, draw=1)
        angle = np.deg2rad(self.config.rotation) * (2 * chances[:, 0] - 1)
        smallest, largest = zooms
        scale = tf.exp(smallest + (largest - smallest) * chances[:, 1])
        sides = 1.0 - 2.0 * tf.cast(chances[:, 2:] < 0.5, tf.float32)
        to_right = sides[:, 0] if self.config.flip else tf.ones_like(angle)
        to_bottom = sides[:, 1] if self.config.flip_vertical else tf.ones_like(angle)
        cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
        x_by_x, x_by_y = to_right * cosine, -to_bottom * sine
        y_by_x, y_by_y = to_right * sine, to_bottom * cosine
        middle, zeros = (self.tile - 1) / 2, tf.zeros_like(angle)
        # At whole pixels: in between, resampling would blur the grain of what is not turned.
        row, column = tf.unstack(tf.floor(centres) - 0.5, axis=1)
        return tf.stack(
            [
                *(x_by_x, x_by_y, column - middle * (x_by_x + x_by_y)),
                *(y_by_x, y_by_y, row - middle * (y_by_x + y_by_y)),
                *(zeros, zeros),
            ],
            axis=1,
        )

    def _cut(self, images: tf.Tensor, transforms: tf.Tensor, interpolation: str) -> tf.Tensor:
        """Cut a tile out of each image, float32; beyond the border the image is reflected."""
        tiles = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=transforms,
            output_shape=[self.tile, self.tile],
            fill_value=0.0,
            interpolation=interpolation,
            fill_mode="REFLECT",
        )
        return tf.ensure_shape(tiles, (self.batch_size, self.tile, self.tile, images.shape[3]))
