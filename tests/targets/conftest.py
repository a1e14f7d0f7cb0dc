"""Small real model files: TFLite by TensorFlow's converter, ONNX node by node."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.tflite_files import IMAGES, SHAPE, SIZE, converter_of, quantized, u_net


@pytest.fixture(scope="session")
def ours_before_lowering() -> bytes:
    """Our generator after quantization-aware training, with ReLUs fused as tfmot fuses them."""
    import tensorflow as tf
    from tensorflow_model_optimization.quantization.keras import quantize_model

    from ganad_tf.exporting.quantization.folding import fold_generator
    from ganad_tf.exporting.quantization.twin import build_twin
    from tests.support.generators import generator_with_random_statistics

    generator = generator_with_random_statistics(SIZE, 1, 4)
    aware = quantize_model(build_twin(fold_generator(generator), SIZE))
    aware(IMAGES, training=True)
    for variable in aware.variables:
        if variable.name.endswith(("activation_min:0", "output_min:0")):
            variable.assign(0.0)  # a ReLU's range, which the moving average reaches only slowly
    converter = converter_of(aware)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Statistics for quantized inputs")
        return converter.convert()


@pytest.fixture(scope="session")
def plain_content() -> bytes:
    return quantized(u_net())


@pytest.fixture(scope="session")
def save(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bytes], Path]:
    """Write a file of that name into a folder of its own."""

    def write(name: str, content: bytes) -> Path:
        path = tmp_path_factory.mktemp("models") / name
        path.write_bytes(content)
        return path

    return write


@pytest.fixture(scope="session")
def plain(save: Callable, plain_content: bytes) -> Path:
    """A small int8 U-Net that every target of TFLite takes whole."""
    return save("plain.tflite", plain_content)


@pytest.fixture(scope="session")
def leaky(save: Callable) -> Path:
    from tf_keras import layers

    return save("leaky.tflite", quantized(u_net(layers.LeakyReLU())))


@pytest.fixture(scope="session")
def dynamic_batch(save: Callable) -> Path:
    import tf_keras

    image = tf_keras.Input(SHAPE)
    maps = tf_keras.layers.Conv2D(4, 3, 2, activation="relu")(image)
    return save("dynamic.tflite", quantized(tf_keras.Model(image, maps), batch=None))


@pytest.fixture(scope="session")
def uint8_bounds(save: Callable) -> Path:
    return save("uint8.tflite", quantized(u_net(), bounds="uint8"))


@pytest.fixture(scope="session")
def float_inside(save: Callable) -> Path:
    """An int8 model around a cumulative sum, for which TFLite has float alone."""
    import tensorflow as tf
    from tf_keras import layers

    def running_sum(maps: tf.Tensor) -> tf.Tensor:
        return tf.math.cumsum(maps, axis=3)

    return save("sum.tflite", quantized(u_net(layers.Lambda(running_sum)), float_too=True))


@pytest.fixture(scope="session")
def float_model(save: Callable) -> Path:
    return save("float.tflite", converter_of(u_net()).convert())
