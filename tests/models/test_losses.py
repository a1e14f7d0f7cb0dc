"""Every loss against an independent computation in NumPy, float64."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ganad_tf.config import GENERATOR_LOSSES, LossConfig
from ganad_tf.errors import UserError
from ganad_tf.models import losses

Images = NDArray[np.float32]


def random_pair(seed: int, shape: tuple[int, ...] = (3, 16, 16, 3)) -> tuple[Images, Images]:
    rng = np.random.default_rng(seed)
    return rng.random(shape, np.float32), rng.random(shape, np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_reconstruction_loss(seed: int) -> None:
    images, reconstructions = random_pair(seed)
    expected = np.abs(images.astype(float) - reconstructions).mean()
    assert float(losses.reconstruction_loss(images, reconstructions)) == pytest.approx(
        expected, rel=1e-5
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([2, 4, 8, 16]), st.data())
def test_patch_loss_for_every_patch_size_and_count(
    seed: int, patch_size: int, data: st.DataObject
) -> None:
    images, reconstructions = random_pair(seed)
    patches = (16 // patch_size) ** 2
    count = data.draw(st.integers(1, patches))
    expected = []
    for image, output in zip(images.astype(float), reconstructions.astype(float), strict=True):
        errors = [
            np.abs(
                image[top : top + patch_size, left : left + patch_size]
                - output[top : top + patch_size, left : left + patch_size]
            ).mean()
            for top in range(0, 16, patch_size)
            for left in range(0, 16, patch_size)
        ]
        expected.append(np.mean(sorted(errors)[-count:]))
    value = float(losses.patch_loss(images, reconstructions, patch_size, count))
    assert value == pytest.approx(np.mean(expected), rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([4, 8]), st.sampled_from([0.02, 0.3, 1.0]), st.data())
def test_the_largest_patch_errors_inside_a_region(
    seed: int, side: int, fraction: float, data: st.DataObject
) -> None:
    images, reconstructions = random_pair(seed)
    regions = np.random.default_rng(seed).random(images.shape[:3]) < fraction
    count = data.draw(st.integers(1, (16 // side) ** 2))
    expected = []
    for image, output, region in zip(images.astype(float), reconstructions, regions, strict=True):
        pixel_errors, errors = np.abs(image - output).mean(axis=2), []
        for top in range(0, 16, side):
            for left in range(0, 16, side):
                place = (slice(top, top + side), slice(left, left + side))
                inside = region[place].sum()
                total = (pixel_errors * region)[place].sum()
                errors += [total / max(inside, side**2 / 4)] if inside else []
        expected.append(np.mean(sorted(errors)[-count:]) if errors else 0)
    found = losses.largest_patch_errors(images, reconstructions, side, count, np.float32(regions))
    assert found.numpy() == pytest.approx(np.array(expected), rel=1e-4)
    everywhere = losses.largest_patch_errors(images, reconstructions, side, count)
    full = losses.largest_patch_errors(
        images, reconstructions, side, count, np.ones_like(regions, "f")
    )
    assert everywhere.numpy() == pytest.approx(full.numpy(), rel=1e-4)


def test_patch_loss_of_all_patches_is_the_reconstruction_loss() -> None:
    images, reconstructions = random_pair(0)
    whole = float(losses.reconstruction_loss(images, reconstructions))
    assert float(losses.patch_loss(images, reconstructions, 4, 16)) == pytest.approx(
        whole, rel=1e-5
    )


@pytest.mark.parametrize("patch_size", [5, 32, 0, -1])
def test_patches_that_do_not_divide_the_image_are_refused(patch_size: int) -> None:
    with pytest.raises(UserError, match="does not divide"):
        losses.patch_loss(*random_pair(0), patch_size, 1)


@pytest.mark.parametrize("count", [0, 17])
def test_patch_counts_out_of_range_are_refused(count: int) -> None:
    with pytest.raises(UserError, match="between 1 and the 16"):
        losses.patch_loss(*random_pair(0), 4, count)


def test_latent_loss() -> None:
    first, second = random_pair(1, (4, 2, 2, 64))
    expected = np.abs(first.astype(float) - second).mean()
    assert float(losses.latent_loss(first, second)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_least_squares_losses(seed: int) -> None:
    real, fake = (3 * outputs - 1 for outputs in random_pair(seed, (4, 4, 4, 32)))
    towards_one = np.mean((fake.astype(float) - 1) ** 2)
    towards_zero = np.mean(fake.astype(float) ** 2)
    discriminator = np.mean((real.astype(float) - 1) ** 2) + towards_zero
    assert float(losses.discriminator_loss(real, fake)) == pytest.approx(discriminator, rel=1e-5)
    assert float(losses.adversarial_loss(fake)) == pytest.approx(towards_one, rel=1e-5)
    assert float(losses.anomaly_adversarial_loss(fake)) == pytest.approx(towards_zero, rel=1e-5)


def abc_reference(error: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.log1p(-np.exp(-error.astype(np.longdouble))).astype(np.float64)


@settings(max_examples=200, deadline=None)
@given(st.floats(-8, 1))
def test_abc_value_and_gradient_from_1e_8_to_10(exponent: float) -> None:
    error = np.float32(min(max(10.0**exponent, 1.01e-8), 10.0))
    with tf.GradientTape() as tape:
        errors = tf.constant([error])
        tape.watch(errors)
        value = losses.abc_loss(errors)
    exact = np.float64(error)
    expected = -np.log(-np.expm1(-exact)) if exact < 1 else abc_reference(np.array(exact))
    assert float(value) == pytest.approx(float(expected), rel=2e-6, abs=1e-7)
    gradient = float(tape.gradient(value, errors)[0])
    assert gradient == pytest.approx(-1 / np.expm1(exact), rel=1e-5)


def test_abc_is_the_mean_over_the_batch_and_finite_at_zero() -> None:
    errors = np.array([0.1, 0.5, 2.0], np.float32)
    assert float(losses.abc_loss(errors)) == pytest.approx(abc_reference(errors).mean(), rel=1e-5)
    assert np.isfinite(float(losses.abc_loss(np.zeros(2, np.float32))))


def test_image_errors_are_one_per_image() -> None:
    images, reconstructions = random_pair(2)
    expected = np.abs(images.astype(float) - reconstructions).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(losses.image_errors(images, reconstructions), expected, rtol=1e-5)


def test_each_term_has_its_weight_in_the_configuration_and_each_weight_its_term() -> None:
    assert tuple(losses.LOSS_TERMS) == GENERATOR_LOSSES
    assert set(losses.LOSS_TERMS) < set(LossConfig.SETTINGS)
