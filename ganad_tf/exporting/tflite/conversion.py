"""Conversion of a tf_keras model to a TFLite file."""

import warnings
from collections.abc import Iterator
from enum import StrEnum

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from ganad_tf.targets.recipe import Precision


class IoType(StrEnum):
    """Number format of the input and output of an int8 file."""

    INT8 = "int8"
    UINT8 = "uint8"


def convert(model: tf_keras.Model, precision: Precision, io_type: IoType = IoType.INT8) -> bytes:
    """Convert a model to TFLite with a static batch of 1.

    Args:
        model: A quantization-aware model for int8, a float model otherwise.
        precision: int8 uses integer operations only, float16 stores float16 weights and has
            float32 input and output, float32 converts the model unchanged.
        io_type: Number format of the input and output of an int8 file: int8 is the pixel minus
            128, uint8 is the pixel itself, which takes a QUANTIZE operation at both ends.

    Returns:
        The content of the `.tflite` file.
    """
    converter = _converter(model)
    if precision != Precision.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if precision == Precision.INT8:
        _set_bounds(converter, io_type)
    with warnings.catch_warnings():
        # Fake quantization provides the ranges, but the converter still misses statistics.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs")
        return converter.convert()


def convert_post_training(
    model: tf_keras.Model, calibration: NDArray[np.float32], io_type: IoType = IoType.INT8
) -> bytes:
    """Quantize a float model to int8 with calibration images only, and convert it.

    Args:
        model: A float model.
        calibration: float32 images `(count, height, width, channels)` in [0, 1].
        io_type: Number format of the input and output, see `convert`.

    Returns:
        The content of the int8 `.tflite` file.
    """
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _full_range(calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    _set_bounds(converter, io_type)
    return converter.convert()


def _converter(model: tf_keras.Model) -> tf.lite.TFLiteConverter:
    call = tf.function(lambda image: model(image, training=False), autograph=False)
    signature = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    function = call.get_concrete_function(signature)
    # With the model in its place, the second argument makes the converter try for seconds to save
    # it, in vain, before it freezes the function.
    return tf.lite.TFLiteConverter.from_concrete_functions([function], function)


def _set_bounds(converter: tf.lite.TFLiteConverter, io_type: IoType) -> None:
    converter.inference_input_type = converter.inference_output_type = tf.as_dtype(io_type.value)


def _full_range(images: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    for image in images:
        # Every image has to contain black and white for the int8 input to be the pixel minus 128.
        calibration = image.copy()
        calibration[0, 0], calibration[-1, -1] = 0.0, 1.0
        yield [calibration[np.newaxis]]
