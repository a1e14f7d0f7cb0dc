"""The eight losses of the method (paper, section 3.4), and the terms of the generator's loss.

Images are float32 `(batch, height, width, channels)` in [0, 1], reconstructions have the same
shape. Every loss is a float32 scalar, the mean over the batch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from ganad_tf.errors import UserError
from ganad_tf.models.loss_inputs import ANOMALY_DISCRIMINATOR, NORMAL_DISCRIMINATOR, LossInputs

SMALLEST_ERROR = 1e-8
SMALLEST_COVERAGE = 0.25


def image_errors(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute error of each image, shape `(batch,)`, in [0, 1]."""
    return tf.reduce_mean(tf.abs(images - reconstructions), axis=(1, 2, 3))


def region_errors(images: tf.Tensor, reconstructions: tf.Tensor, regions: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute error of each image inside a region, shape `(batch,)`, in [0, 1].

    The error does not depend on the size of the region, so small defects count in full.

    Args:
        images: Input images.
        reconstructions: Reconstructions of the images.
        regions: float32 `(batch, height, width)`, 1 inside and 0 outside; the error of an image
            with an empty region is 0.
    """
    pixel_errors = tf.reduce_mean(tf.abs(images - reconstructions), axis=3)
    inside = tf.reduce_sum(regions, axis=(1, 2))
    return tf.math.divide_no_nan(tf.reduce_sum(pixel_errors * regions, axis=(1, 2)), inside)


def reconstruction_loss(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """Return the L1 reconstruction error (equation 2)."""
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

    For anomalies: a mask is drawn around a defect, and not all pixels inside it look defective.
    The patches with the largest errors do (multiple-instance learning).

    Args:
        images: Input images.
        reconstructions: Reconstructions of the images.
        patch_size: Side of a patch in pixels; divides height and width.
        count: Number of patches, at most those of an image.
        regions: float32 `(batch, height, width)`, 1 inside and 0 outside, or None for the whole
            image. With regions, the error of a patch is the mean over its pixels inside. A patch
            with less than a quarter of its pixels inside is treated as if it had a quarter. If
            a region touches fewer than `count` patches, the mean is over those.
    """
    if regions is None:
        largest = tf.math.top_k(patch_errors(images, reconstructions, patch_size), count)
        return tf.reduce_mean(largest.values, axis=1)
    pixel_errors = tf.reduce_mean(tf.abs(images - reconstructions), axis=3)
    both = tf.stack([pixel_errors * regions, regions], axis=3)
    errors, coverage = tf.unstack(tf.nn.avg_pool2d(both, patch_size, patch_size, "VALID"), axis=3)
    inside = tf.reduce_sum(tf.cast(coverage > 0, tf.float32), axis=(1, 2))
    errors = tf.reshape(errors / tf.maximum(coverage, SMALLEST_COVERAGE), (tf.shape(images)[0], -1))
    largest = tf.math.top_k(errors, count).values
    return tf.reduce_sum(largest, axis=1) / tf.clip_by_value(inside, 1.0, float(count))


def patch_loss(
    images: tf.Tensor, reconstructions: tf.Tensor, patch_size: int, count: int
) -> tf.Tensor:
    """Return the mean of the `count` largest patch errors of each image (equation 3).

    Args:
        images: Input images.
        reconstructions: Reconstructions of the images.
        patch_size: Side of a patch in pixels.
        count: The n of the paper, from 1 to the number of patches M.

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
    """Return the L1 distance of the latents of images and of reconstructions (equation 4)."""
    return tf.reduce_mean(tf.abs(latents - reconstructed_latents))


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Return the LSGAN loss of one discriminator (equation 1).

    Args:
        real: Outputs for real images, drawn towards 1.
        fake: Outputs for reconstructions, drawn towards 0.
    """
    return tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(fake))


def adversarial_loss(fake: tf.Tensor) -> tf.Tensor:
    """Return the LSGAN loss of the generator on normal images (equation 6).

    Args:
        fake: Outputs of the discriminator for reconstructions, drawn towards 1.
    """
    return tf.reduce_mean(tf.square(fake - 1.0))


def anomaly_adversarial_loss(fake: tf.Tensor) -> tf.Tensor:
    """Return the LSGAN loss of the generator on anomalies (equation 7).

    Args:
        fake: Outputs of the discriminator for reconstructions, drawn towards 0: reconstructions of
            anomalies have to look fake.
    """
    return tf.reduce_mean(tf.square(fake))


def abc_loss(errors: tf.Tensor) -> tf.Tensor:
    """Return the autoencoding binary classifier loss `-log(1 - exp(-error))` (equation 8).

    It grows without bound as the error of an anomaly falls to 0. Errors below 1e-8 are treated as
    1e-8. Each half of the range uses the form that keeps precision in float32, after Maechler,
    "Accurately computing log(1 - exp(-|a|))", 2012.

    Args:
        errors: Reconstruction error of each anomaly, shape `(batch,)`, >= 0.

    Returns:
        The mean of the loss over the batch, a scalar > 0.
    """
    errors = tf.maximum(errors, SMALLEST_ERROR)
    small = tf.math.log(-tf.math.expm1(-tf.minimum(errors, math.log(2.0))))
    large = tf.math.log1p(-tf.exp(-tf.maximum(errors, math.log(2.0))))
    return -tf.reduce_mean(tf.where(errors < math.log(2.0), small, large))


@dataclass(frozen=True)
class LossTerm:
    """A term of the loss of the generator.

    Attributes:
        function: Returns the value of the term for the inputs of a step: a scalar, unweighted.
        discriminator: Name of the discriminator that the term is computed with, None for none. The
            discriminator is trained if the weight of the term is not 0.
    """

    function: Callable[[LossInputs], tf.Tensor]
    discriminator: str | None = None


def _reconstruction(inputs: LossInputs) -> tf.Tensor:
    """Include the normal parts of anomalies, if masks tell them from the defects."""
    value = reconstruction_loss(*inputs.normal)
    if inputs.defects is not None:
        value += tf.reduce_mean(region_errors(*inputs.anomaly, 1.0 - inputs.defects))
    return value


def _abc(inputs: LossInputs) -> tf.Tensor:
    config = inputs.config
    if config.abc_patches:
        errors = largest_patch_errors(
            *inputs.anomaly, config.patch_size, config.abc_patches, inputs.defects
        )
    elif inputs.defects is None:
        errors = image_errors(*inputs.anomaly)
    else:
        errors = region_errors(*inputs.anomaly, inputs.defects)
    return abc_loss(config.abc_scale * errors)


LOSS_TERMS = {
    "reconstruction": LossTerm(_reconstruction),
    "patch": LossTerm(
        lambda inputs: patch_loss(
            *inputs.normal, inputs.config.patch_size, inputs.config.patch_count
        )
    ),
    "latent": LossTerm(lambda inputs: latent_loss(*inputs.latents)),
    "adversarial": LossTerm(
        lambda inputs: adversarial_loss(inputs.judgements(NORMAL_DISCRIMINATOR)[1]),
        NORMAL_DISCRIMINATOR,
    ),
    "anomaly_adversarial": LossTerm(
        lambda inputs: anomaly_adversarial_loss(inputs.judgements(ANOMALY_DISCRIMINATOR)[1]),
        ANOMALY_DISCRIMINATOR,
    ),
    "abc": LossTerm(_abc),
}
"""The terms by the name of their weight in `LossConfig`, which also says their group."""
