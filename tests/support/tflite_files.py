"""TFLite files: small ones by TensorFlow's converter, and what is in them."""

from collections.abc import Callable

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SIZE = 16
SHAPE = (SIZE, SIZE, 1)
IMAGES = np.random.default_rng(0).random((8, *SHAPE)).astype(np.float32)

PIXELS = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), np.uint8)

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
    function = call.get_concrete_function(signature)
    return tf.lite.TFLiteConverter.from_concrete_functions([function], function)


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


def transposed_convolutions(content: bytes) -> list[tuple[int, int]]:
    """Version and fused activation of each transposed convolution in a file."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    found = []
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode == schema.BuiltinOperator.TRANSPOSE_CONV:
            found.append((code.version, operator.builtinOptions.fusedActivationFunction))
    return found
