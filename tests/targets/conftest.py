"""Small real model files: TFLite by TensorFlow's converter, ONNX node by node."""

import warnings
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

SIZE = 16
SHAPE = (SIZE, SIZE, 1)
IMAGES = np.random.default_rng(0).random((8, *SHAPE)).astype(np.float32)

Edit = Callable[[schema.ModelT], None]


def edited(content: bytes, edit: Edit) -> bytes:
    """A TFLite file after a change to its objects."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    edit(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operators_of(model: schema.ModelT, kind: int) -> list[schema.OperatorT]:
    return [
        operator
        for operator in model.subgraphs[0].operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == kind
    ]


def converter_of(network, batch: int | None = 1):
    """TensorFlow's converter of a tf_keras model, with that batch."""
    import tensorflow as tf

    call = tf.function(lambda image: network(image, training=False))
    signature = tf.TensorSpec((batch, *SHAPE), tf.float32, name="image")
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [call.get_concrete_function(signature)], network
    )


def quantized(network, *, bounds="int8", batch=1, per_channel=True, float_too=False) -> bytes:
    """A tf_keras model after post-training full-integer quantization."""
    import tensorflow as tf

    converter = converter_of(network, batch)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[np.newaxis]] for image in IMAGES)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if float_too:
        converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS)
    converter.inference_input_type = converter.inference_output_type = tf.as_dtype(bounds)
    converter._experimental_disable_per_channel = not per_channel
    return converter.convert()


def u_net(activation: Callable | None = None):
    """Two convolutions down, two up, a skip; `activation` after the second."""
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input(SHAPE)
    skip = layers.Conv2D(4, 3, 2, padding="same", activation="relu")(image)
    maps = layers.Conv2D(8, 3, 2, padding="same")(skip)
    if activation:
        maps = activation(maps)
    maps = layers.Conv2DTranspose(4, 3, 2, padding="same")(maps)
    maps = layers.Concatenate()([maps, skip])
    return tf_keras.Model(image, layers.Conv2DTranspose(2, 3, 2, padding="same")(maps))


@pytest.fixture(scope="session")
def ours_before_lowering() -> bytes:
    """Our generator after quantization-aware training, with ReLUs fused as tfmot fuses them."""
    import tensorflow as tf
    from tensorflow_model_optimization.quantization.keras import quantize_model

    from ganad_tf.exporting.quantization.folding import fold_generator
    from ganad_tf.exporting.quantization.twin import build_twin
    from tests.exporting.quantization.test_folding import generator_with_random_statistics

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
