import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganad_station.sizes import ImageSize
from ganad_tf.errors import UserError
from ganad_tf.models.discriminator import build_discriminator
from ganad_tf.models.generator import build_encoder, build_generator, resize_generator

GENERATOR_COUNTS = [384, 2080, 8256, 32896, 32832, 16416, 4112, 768]
DISCRIMINATOR_COUNTS = [384, 2080, 8256, 32896, 32768]


def counts_by_convolution(model: keras.Model) -> list[int]:
    """Trainable parameters of each convolution together with the normalization after it."""
    counts: list[int] = []
    for layer in model.layers:
        own = sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
            counts.append(own)
        elif own:
            counts[-1] += own
    return counts


def test_generator_has_the_parameters_of_the_paper() -> None:
    counts = counts_by_convolution(build_generator(32, 3))
    assert counts == GENERATOR_COUNTS
    assert sum(counts) == 97_744


def test_discriminator_has_the_parameters_of_the_paper() -> None:
    counts = counts_by_convolution(build_discriminator(32, 3))
    assert counts == DISCRIMINATOR_COUNTS
    assert sum(counts) == 76_384


def test_no_convolution_has_a_bias() -> None:
    for model in (build_generator(32, 3), build_discriminator(32, 3)):
        for layer in model.layers:
            assert getattr(layer, "bias", None) is None


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3]), st.sampled_from([2, 8, 12]))
def test_shapes_at_any_size_that_16_divides(
    rows: int, columns: int, channels: int, width: int
) -> None:
    size = (16 * rows, 16 * columns)
    images = np.zeros((2, *size, channels), np.float32)
    generator = build_generator(size, channels, width)
    assert generator(images).shape == images.shape
    assert build_encoder(generator)(images).shape == (2, rows, columns, 8 * width)
    outputs = build_discriminator(size, channels, width)(images)
    assert outputs.shape == (2, 2 * rows, 2 * columns, 4 * width)


def test_one_number_is_a_square_and_weights_fit_any_size() -> None:
    square, wide = build_generator(32, 1), resize_generator(build_generator(16, 1), (16, 48))
    assert square.input_shape == (None, 32, 32, 1)
    assert resize_generator(square, (32, 32)) is square
    assert wide.input_shape == (None, 16, 48, 1)


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
@pytest.mark.parametrize(
    ("size", "channels", "width"),
    [(28, 1, 8), ((32, 28), 1, 8), ((0, 32), 1, 8), (0, 1, 8), (32, 0, 8), (32, 1, 0)],
)
def test_impossible_shapes_are_refused(build, size: ImageSize, channels: int, width: int) -> None:
    with pytest.raises(UserError):
        build(size, channels, width)


def test_refused_size_names_a_size_that_works() -> None:
    with pytest.raises(UserError, match=r"28.*try 32"):
        build_generator(28, 1)


def test_encoder_shares_the_weights_of_the_generator() -> None:
    generator = build_generator(16, 1)
    encoder = build_encoder(generator)
    images = np.random.default_rng(0).random((1, 16, 16, 1), np.float32)
    before = np.array(encoder(images))
    generator.get_layer("encoder_1").kernel.assign_add(np.full((4, 4, 1, 8), 0.1, np.float32))
    assert not np.allclose(before, np.array(encoder(images)))
