from pathlib import Path

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ganad_tf.exporting.tflite.lowering import is_bit_identical, lower_transposed_convolutions
from ganad_tf.exporting.tflite.subpixel import (
    replace_narrow_transposed_convolutions,
    subpixel_kernel,
)
from ganad_tf.targets.reading import read_graph
from tests.support.tflite_files import PIXELS


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_sub_pixel_form_computes_the_transposed_convolution(
    side: int, inputs: int, outputs: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(4, 4, outputs, inputs))
    features = rng.normal(size=(2, side, side, inputs))
    expected = tf.nn.conv2d_transpose(
        features, kernel, (2, 2 * side, 2 * side, outputs), strides=2, padding="SAME"
    )
    blocks = tf.nn.conv2d(features, subpixel_kernel(kernel), strides=1, padding="SAME")
    np.testing.assert_allclose(tf.nn.depth_to_space(blocks, 2), expected, atol=1e-12)


def test_not_a_bit_of_the_output_changes(int8_generator: bytes) -> None:
    lowered = lower_transposed_convolutions(int8_generator)
    assert is_bit_identical(lowered, replace_narrow_transposed_convolutions(lowered), PIXELS)


def test_only_the_narrow_layer_is_replaced(int8_generator: bytes, tmp_path: Path) -> None:
    content = replace_narrow_transposed_convolutions(lower_transposed_convolutions(int8_generator))
    assert replace_narrow_transposed_convolutions(content) == content
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    kinds = [operator.kind for operator in read_graph(path).operators]
    assert kinds.count("TRANSPOSE_CONV") == 3
    assert kinds[-2:] == ["CONV_2D", "DEPTH_TO_SPACE"]
