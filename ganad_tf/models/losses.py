"""The eight losses of the method (paper, section 3.4).

Images are float32 `(batch, height, width, channels)` in [0, 1]; every function returns a
float32 scalar, the mean over the batch.
"""

import math

import tensorflow as tf

from ganad_tf.errors import UserError

SMALLEST_ERROR = 1e-8
SMALLEST_SHARE = 0.25


def image_errors(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute error of each image, shape `(batch,)`, in [0, 1]."""
    return tf.reduce_mean(tf.abs(images - reconstructions), axis=(1, 2, 3))


def region_errors(images: tf.Tensor, reconstructions: tf.Tensor, regions: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute error of each image inside a region, shape `(batch,)`, in [0, 1].

    However small a defect is, its error counts in full.

    Args:
        images: The input images.
        reconstructions: What the generator made of them.
        regions: float32 `(batch, height, width)`, 1 inside and 0 outside; where there is no
            inside, the error is 0.
    """
    pixel_errors = tf.reduce_mean(tf.abs(images - reconstructions), axis=3)
    inside = tf.reduce_sum(regions, axis=(1, 2))
    return tf.math.divide_no_nan(tf.reduce_sum(pixel_errors * regions, axis=(1, 2)), inside)


def reconstruction_loss(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """L1 reconstruction error (equation 2)."""
    return tf.reduce_mean(tf.abs(images - reconstructions))


def patch_errors(images: tf.Tensor, reconstructions: tf.Tensor, patch_size: int) -> tf.Tensor:
    """Return the mean absolute error of each patch, shape `(batch, patches)`.

    Patches are squares of `patch_size` pixels that tile the image without overlap.

    Raises:
        UserError: If `patch_size` does not divide the height and width of the images.
    """
    height, width = images.shape[1], images.shape[2]
    if patch_size <= 0 or height % patch_size or width % patch_size:
        raise UserError(
            f"patch size {patch_size} does not divide images of {height} x {width} pixels: "
            "choose a divisor of both"
        )
    pixel_errors = tf.reduce_mean(tf.abs(images - reconstructions), axis=3, keepdims=True)
    means = tf.nn.avg_pool2d(pixel_errors, patch_size, patch_size, "VALID")
    return tf.reshape(means, (-1, (height // patch_size) * (width // patch_size)))


def largest_patch_errors(
    images: tf.Tensor,
    reconstructions: tf.Tensor,
    patch_size: int,
    count: int,
    regions: tf.Tensor | None = None,
) -> tf.Tensor:
    """Return the mean of the `count` largest patch errors of each image, shape `(batch,)`.

    For anomalies: a mask is drawn around a defect, and not each of its pixels looks defective. The
    patches that stand out most do (multiple-instance learning).

    Args:
        images: The input images.
        reconstructions: What the generator made of them.
        patch_size: Side of a patch in pixels; divides height and width.
        count: How many patches, at most those of an image.
        regions: float32 `(batch, height, width)`, 1 inside and 0 outside, or None for all of the
            image. Then the error of a patch is that of its pixels inside; one with less than
            a quarter of them inside counts as if it had a quarter. Of a region in fewer patches
            than `count`, all count.
    """
    if regions is None:
        largest = tf.math.top_k(patch_errors(images, reconstructions, patch_size), count)
        return tf.reduce_mean(largest.values, axis=1)
    pixel_errors = tf.reduce_mean(tf.abs(images - reconstructions), axis=3)
    both = tf.stack([pixel_errors * regions, regions], axis=3)
    errors, shares = tf.unstack(tf.nn.avg_pool2d(both, patch_size, patch_size, "VALID"), axis=3)
    inside = tf.reduce_sum(tf.cast(shares > 0, tf.float32), axis=(1, 2))
    errors = tf.reshape(errors / tf.maximum(shares, SMALLEST_SHARE), (tf.shape(images)[0], -1))
    largest = tf.math.top_k(errors, count).values
    return tf.reduce_sum(largest, axis=1) / tf.clip_by_value(inside, 1.0, float(count))


def patch_loss(
    images: tf.Tensor, reconstructions: tf.Tensor, patch_size: int, count: int
) -> tf.Tensor:
    """Mean of the `count` largest patch errors of each image (equation 3).

    Args:
        images: The input images.
        reconstructions: What the generator made of them.
        patch_size: Side of a patch in pixels.
        count: The paper's n, from 1 to the number of patches M.

    Returns:
        The loss, a scalar in [0, 1].

    Raises:
        UserError: If the patches do not tile the images, or `count` is not in 1..M.
    """
    errors = patch_errors(images, reconstructions, patch_size)
    patches = errors.shape[1]
    if not 1 <= count <= patches:
        raise UserError(
            f"patch count {count} is not between 1 and the {patches} patches of an image"
        )
    return tf.reduce_mean(tf.math.top_k(errors, count, sorted=False).values)


def latent_loss(latents: tf.Tensor, reconstructed_latents: tf.Tensor) -> tf.Tensor:
    """L1 distance of the latents of images and of their reconstructions (equation 4)."""
    return tf.reduce_mean(tf.abs(latents - reconstructed_latents))


def discriminator_loss(real_maps: tf.Tensor, fake_maps: tf.Tensor) -> tf.Tensor:
    """LSGAN loss of one discriminator: real towards 1, fake towards 0 (equation 1)."""
    return tf.reduce_mean(tf.square(real_maps - 1.0)) + tf.reduce_mean(tf.square(fake_maps))


def adversarial_loss(fake_maps: tf.Tensor) -> tf.Tensor:
    """LSGAN loss of the generator on normal images: fake towards 1 (equation 6)."""
    return tf.reduce_mean(tf.square(fake_maps - 1.0))


def anomaly_adversarial_loss(fake_maps: tf.Tensor) -> tf.Tensor:
    """Loss of the generator on anomalies: the reconstruction shall look fake, 0 (equation 7)."""
    return tf.reduce_mean(tf.square(fake_maps))


def abc_loss(errors: tf.Tensor) -> tf.Tensor:
    """Autoencoding binary classifier loss `-log(1 - exp(-error))` (equation 8).

    It grows without bound as the error of an anomaly falls to 0. Errors below 1e-8 count as
    1e-8. Each half of the range uses the form that keeps its digits in float32, after
    Maechler, "Accurately computing log(1 - exp(-|a|))", 2012.

    Args:
        errors: Reconstruction errors of anomalies, one an image, shape `(batch,)`, >= 0.

    Returns:
        The mean of the loss over the batch, a scalar > 0.
    """
    errors = tf.maximum(errors, SMALLEST_ERROR)
    small = tf.math.log(-tf.math.expm1(-tf.minimum(errors, math.log(2.0))))
    large = tf.math.log1p(-tf.exp(-tf.maximum(errors, math.log(2.0))))
    return -tf.reduce_mean(tf.where(errors < math.log(2.0), small, large))
