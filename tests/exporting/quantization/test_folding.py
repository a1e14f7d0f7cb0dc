import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import convolve2d

from ganad_tf.exporting.model_files import largest_difference
from ganad_tf.exporting.quantization.folding import fold_generator
from ganad_tf.exporting.quantization.twin import build_twin
from ganad_tf.models.generator import build_generator
from tests.support.generators import generator_with_random_statistics


@pytest.mark.parametrize(("size", "channels", "width"), [(16, 1, 4), (32, 3, 8), (48, 1, 8)])
def test_folded_twin_computes_what_the_generator_computes(
    size: int, channels: int, width: int
) -> None:
    generator = generator_with_random_statistics(size, channels, width)
    twin = build_twin(fold_generator(generator), size)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (5, size, size, channels), np.uint8)
    scale = np.abs(generator.predict_on_batch(images / np.float32(255))).max()
    assert largest_difference(generator, twin, images) < 1e-5 * max(1, scale)


def convolve(image: NDArray, kernel: NDArray) -> NDArray:
    """4x4 stride-2 convolution with `same` padding, by SciPy, float64."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    channels = [
        sum(
            convolve2d(padded[:, :, c], kernel[::-1, ::-1, c, o], mode="valid")
            for c in range(image.shape[2])
        )[::2, ::2]
        for o in range(kernel.shape[3])
    ]
    return np.stack(channels, axis=2)


def test_first_two_folded_layers_equal_a_computation_by_scipy() -> None:
    generator = generator_with_random_statistics(16, 1, 4)
    first, second = list(fold_generator(generator).values())[:2]
    assert not first.bias.any()
    image = np.random.default_rng(2).random((16, 16, 1))
    hidden = np.maximum(convolve(image, first.kernel), 0)
    folded = np.maximum(convolve(hidden, second.kernel) + second.bias, 0)
    view = keras.Model(generator.input, generator.get_layer("encoder_2_relu").output)
    expected = view.predict_on_batch(image[np.newaxis].astype(np.float32))[0]
    np.testing.assert_allclose(folded, expected, atol=1e-4)


def test_the_twin_has_no_normalization_and_eight_convolutions() -> None:
    twin = build_twin(fold_generator(build_generator(16, 1, 4)), 16)
    kinds = [type(layer).__name__ for layer in twin.layers]
    assert kinds.count("Conv2D") == kinds.count("Conv2DTranspose") == 4
    assert "BatchNormalization" not in kinds
