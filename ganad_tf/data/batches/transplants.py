"""Lays defects of one part onto another, so that few defects are seen on many backgrounds.

After Dwibedi et al., "Cut, paste and learn", ICCV 2017, who cut out objects for detection so.
"""

import tensorflow as tf

LARGEST_FRACTION = 0.1
"""Of a tile: a larger defect is told by its border, which a transplant would blur."""
SOFTENING = 5
"""Pixels over which a transplant fades into its surroundings."""


def transplant(
    normal: tf.Tensor, defective: tf.Tensor, marks: tf.Tensor, opacity: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Lay the marked pixels of tiles onto normal tiles, as bright as their new surroundings.

    Args:
        normal: Tiles of normal parts, float32 `(batch, tile, tile, channels)`, 0 to 255.
        defective: Tiles with defects, float32 `(batch, tile, tile, channels)`, 0 to 255.
        marks: float32 `(batch, tile, tile, 1)`, 1 where the defects are and 0 elsewhere.
        opacity: float32 `(batch,)` in [0, 1], the weight of each defect against its background.

    Returns:
        The normal tiles with the defects, float32 `(batch, tile, tile, channels)`, 0 to 255, and
        which of them make sense, bool `(batch,)`: those whose defect lies in the tile and covers
        at most `LARGEST_FRACTION` of it.
    """
    fractions = tf.reduce_mean(marks, (1, 2, 3))
    around = 1.0 - marks
    gain = _mean_over(around, normal) / tf.maximum(_mean_over(around, defective), 1.0)
    widened = tf.nn.max_pool2d(marks, SOFTENING, 1, "SAME")
    cover = tf.nn.avg_pool2d(widened, SOFTENING, 1, "SAME") * opacity[:, None, None, None]
    matched = tf.clip_by_value(gain * defective, 0.0, 255.0)
    is_sensible = (fractions > 0) & (fractions <= LARGEST_FRACTION)
    return normal + cover * (matched - normal), is_sensible


def _mean_over(region: tf.Tensor, tiles: tf.Tensor) -> tf.Tensor:
    """Return the mean of each channel over a region, `(batch, 1, 1, channels)`."""
    total = tf.reduce_sum(region * tiles, (1, 2), keepdims=True)
    return tf.math.divide_no_nan(total, tf.reduce_sum(region, (1, 2), keepdims=True))
