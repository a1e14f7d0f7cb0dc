"""Tiles of large images for training, cut, turned, zoomed and mirrored in one resampling.

As in `ganad_tf.data.batches.paired`, every random draw is a function of the seed and the number
of the step.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganad_tf.data.batches.clustered_tiles import ClusteredTiles
from ganad_tf.data.batches.paired import NORMAL_STREAM, PairedBatches

PlaceMaker = Callable[[tf.Tensor, int], tuple[tf.Tensor, tf.Tensor]]
"""From the number of a part and of a candidate to the normal images and the centres of tiles."""
AnomalyMaker = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]]
"""From the number of a part and its normal tiles, 0 to 255, to what a batch has of anomalies."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TiledBatches(PairedBatches, ABC):
    """Tiles of normal images, and of anomalies from where a subclass says.

    An epoch has as many tiles of normal images as `config.passes` passes over the images, each with
    its `config.normal_candidates` to choose among: batches are `(batch, candidates, tile, tile, c)`
    where there is more than one.

    Attributes:
        kinds: int64 `(anomalies,)`, the kind of each anomaly.
        tile: Height and width of a tile in pixels, at most `size`.
        clusters: K-means clusters of tiles of normal images, each of which gives as many; 0 to
            take them from anywhere in each image in turn.

    Raises:
        UserError: If there are fewer normal images than replicas.
    """

    kinds: NDArray[np.int64]
    tile: int
    clusters: int = 0

    @abstractmethod
    def _anomaly_maker(self) -> AnomalyMaker:
        """Return what makes the tiles of anomalies."""

    def _batch_maker(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
        of_normals, of_anomalies = self._normal_maker(), self._anomaly_maker()

        def make(part: tf.Tensor) -> tuple[tf.Tensor, ...]:
            tiles = [of_normals(part, k) for k in range(self.config.normal_candidates)]
            lit = [self._lit(candidate / 255.0, part, NORMAL_STREAM) for candidate in tiles]
            normal = lit[0] if len(lit) == 1 else tf.stack(lit, axis=1)
            return normal, *of_anomalies(part, tiles[0])

        return make

    def _normal_maker(self) -> Callable[[tf.Tensor, int], tf.Tensor]:
        """Return what makes the normal tiles of a part, 0 to 255, by the number of a candidate."""
        normals, places = tf.constant(self.normals), self._place_maker()

        def make(part: tf.Tensor, candidate: int) -> tf.Tensor:
            chosen, centres = places(part, candidate)
            draw = 2 * candidate + 1
            transforms = self._transforms(centres, part, NORMAL_STREAM, self._zooms, draw)
            return self._cut(tf.gather(normals, chosen), transforms, "BILINEAR")

        return make

    def _place_maker(self) -> PlaceMaker:
        if not self.clusters:
            return self._places_in_turn
        clustered = ClusteredTiles.find(self.normals, self.tile, self.clusters, self.seed)

        def make(part: tf.Tensor, candidate: int) -> tuple[tf.Tensor, tf.Tensor]:
            chances = self._chances(part, NORMAL_STREAM, 4, 2 * candidate)
            chosen, centres = clustered.draw(chances)
            return chosen, self._inside(centres)

        return make

    def _places_in_turn(self, part: tf.Tensor, candidate: int) -> tuple[tf.Tensor, tf.Tensor]:
        positions = self._positions(part) * self.config.normal_candidates + candidate
        chosen = self._shuffled(positions, len(self.normals), NORMAL_STREAM)
        return chosen, self._anywhere(self._chances(part, NORMAL_STREAM, 2, 2 * candidate))

    @property
    def _zooms(self) -> tuple[float, float]:
        return -self.config.zoom, self.config.zoom

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

    def _inside(self, centres: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(centres, self.tile / 2, self.normals.shape[1] - self.tile / 2)

    def _transforms(
        self,
        centres: tf.Tensor,
        part: tf.Tensor,
        stream: int,
        zooms: tuple[float, float],
        draw: int = 1,
    ) -> tf.Tensor:
        """Return the projective transforms from the pixels of tiles to those of images."""
        chances = self._chances(part, stream, 4, draw)
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
