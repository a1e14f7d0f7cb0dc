"""Cuts tiles out of images, turned, zoomed and mirrored in one resampling."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.samples import Samples
from ganad_tf.data.batches.streams import Label, Stream


@dataclass(frozen=True, eq=False)
class TileCutter:
    """Cuts one tile out of each image of a batch.

    Attributes:
        size: Height and width of the images in pixels.
        tile: Height and width of a tile in pixels, at most each side of the images.
        config: How tiles are turned, zoomed and mirrored.
        samples: The random numbers that decide on each tile.
    """

    size: tuple[int, int]
    tile: int
    config: TrainConfig
    samples: Samples

    def anywhere(self, samples: tf.Tensor) -> tf.Tensor:
        """Return centers of tiles around any pixel.

        A tile of a pixel near the border is moved inside, so that borders are seen as often as
        the rest: a tile placed anywhere inside hardly ever has the outermost pixels.

        Args:
            samples: Uniform samples, float32 `(batch, 2)` in [0, 1).

        Returns:
            Row and column of each center in pixels, float32 `(batch, 2)`.
        """
        return self.inside(samples * tf.constant(self.size, tf.float32))

    def inside(self, centers: tf.Tensor) -> tf.Tensor:
        """Move centers, float32 `(batch, 2)` in pixels, so that their tiles lie in the image."""
        last = tf.constant(self.size, tf.float32) - self.tile / 2
        return tf.clip_by_value(centers, self.tile / 2, last)

    def transforms(
        self,
        centers: tf.Tensor,
        stream: Stream,
        shard: tf.Tensor,
        label: Label,
        candidate: int = 0,
        zooms: tuple[float, float] | None = None,
    ) -> tf.Tensor:
        """Draw the projective transforms from the pixels of tiles to those of images.

        Args:
            centers: Row and column of the center of each tile in pixels, float32 `(batch, 2)`.
            stream: The stream of the samples that decide on angle, scale and mirroring.
            shard: Number of the shard, int64 scalar.
            label: Which batch of the pair the images are.
            candidate: Number of the candidate tile, from 0.
            zooms: Smallest and largest scale as powers of e; None for those of the configuration.

        Returns:
            float32 `(batch, 8)`, as `tf.raw_ops.ImageProjectiveTransformV3` takes them.
        """
        samples = self.samples.uniform(stream, shard, label, 4, candidate)
        angle = np.deg2rad(self.config.rotation) * (2 * samples[:, 0] - 1)
        smallest, largest = zooms or (-self.config.zoom, self.config.zoom)
        scale = tf.exp(smallest + (largest - smallest) * samples[:, 1])
        signs = 1.0 - 2.0 * tf.cast(samples[:, 2:] < 0.5, tf.float32)
        to_right = signs[:, 0] if self.config.flip else tf.ones_like(angle)
        to_bottom = signs[:, 1] if self.config.flip_vertical else tf.ones_like(angle)
        cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
        x_by_x, x_by_y = to_right * cosine, -to_bottom * sine
        y_by_x, y_by_y = to_right * sine, to_bottom * cosine
        middle, zeros = (self.tile - 1) / 2, tf.zeros_like(angle)
        # At whole pixels: in between, resampling would blur the grain of what is not turned.
        row, column = tf.unstack(tf.floor(centers) - 0.5, axis=1)
        return tf.stack(
            [
                *(x_by_x, x_by_y, column - middle * (x_by_x + x_by_y)),
                *(y_by_x, y_by_y, row - middle * (y_by_x + y_by_y)),
                *(zeros, zeros),
            ],
            axis=1,
        )

    def cut(
        self, images: tf.Tensor, transforms: tf.Tensor, interpolation: str = "BILINEAR"
    ) -> tf.Tensor:
        """Cut a tile out of each image; beyond the border the image is reflected.

        Args:
            images: `(batch, height, width, channels)` of any type.
            transforms: float32 `(batch, 8)`, from `transforms`.
            interpolation: `BILINEAR`, or `NEAREST` for masks.

        Returns:
            float32 `(batch, tile, tile, channels)` in the range of the images.
        """
        tiles = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=transforms,
            output_shape=[self.tile, self.tile],
            fill_value=0.0,
            interpolation=interpolation,
            fill_mode="REFLECT",
        )
        batch_size = self.samples.batch_size
        return tf.ensure_shape(tiles, (batch_size, self.tile, self.tile, images.shape[3]))
