"""The model files of a run, each made from its recipe."""

import logging
from functools import cache, cached_property

import keras
import numpy as np
import tf_keras
from numpy.typing import NDArray

from ganad_station.score import to_input
from ganad_tf.data.batches.make import whole_batches
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.data.splits import Splits
from ganad_tf.exporting.onnx.conversion import (
    convert_float_to_onnx,
    convert_to_onnx,
    convert_to_tensorrt_onnx,
)
from ganad_tf.exporting.quantization.aware import fine_tune, make_quantization_aware
from ganad_tf.exporting.quantization.levels import quantized_layers
from ganad_tf.exporting.quantization.objectives import match_float_output
from ganad_tf.exporting.quantization.preparation import PreparedGenerator, prepare
from ganad_tf.exporting.tflite.conversion import IoType, convert, convert_post_training
from ganad_tf.exporting.tflite.lowering import is_bit_identical, lower_transposed_convolutions
from ganad_tf.exporting.tflite.subpixel import replace_narrow_transposed_convolutions
from ganad_tf.models.checkpoints import load_generator
from ganad_tf.run import Run
from ganad_tf.system.execution import prepare_execution
from ganad_tf.targets.recipe import Format, Precision, Recipe, Scheme, Upsampling

CALIBRATION_IMAGES = 512
LARGEST_PREPARATION_DIFFERENCE = 1e-3
EPOCHS = 3
LEARNING_RATE = 1e-5

logger = logging.getLogger(__name__)


class ModelFiles:
    """Makes the model files of a trained run; intermediate results are computed once.

    `make` takes a `Recipe` and returns the content of the file.

    Args:
        run: A trained run.
        splits: The splits of the run.
        io_type: Input and output of int8 TFLite files.
    """

    def __init__(self, run: Run, splits: Splits, io_type: IoType = IoType.INT8) -> None:
        self._run, self._splits, self._io_type = run, splits, io_type
        self.make = cache(self._make)
        self._quantized = cache(self._quantize)
        self._int8_tflite = cache(self._convert_to_int8_tflite)

    @cached_property
    def generator(self) -> keras.Model:
        """The float generator of the run."""
        return load_generator(self._run.generator_path)

    def _make(self, recipe: Recipe) -> bytes:
        if recipe.format == Format.ONNX:
            return self._onnx(recipe)
        if recipe.precision != Precision.INT8:
            return convert(self._prepared.twin, recipe.precision)
        content = self._int8_tflite(recipe.scheme, recipe.is_post_training)
        lowered = lower_transposed_convolutions(content)
        self._prove_identical(content, lowered, "TRANSPOSE_CONV at version 3")
        if recipe.upsampling == Upsampling.TRANSPOSED:
            return lowered
        subpixel = replace_narrow_transposed_convolutions(lowered)
        self._prove_identical(lowered, subpixel, "sub-pixels in place of narrow TRANSPOSE_CONV")
        return subpixel

    def _onnx(self, recipe: Recipe) -> bytes:
        shape = self.generator.input_shape[1:]
        if recipe.precision != Precision.INT8:
            is_half = recipe.precision == Precision.FLOAT16
            return convert_float_to_onnx(self._prepared.layers, shape, is_half)
        model = self._quantized(recipe.scheme)
        layers = quantized_layers(model, self._prepared.ranges, recipe.scheme)
        if recipe.scheme == Scheme.SYMMETRIC:
            return convert_to_tensorrt_onnx(layers, shape)
        return convert_to_onnx(layers, shape)

    def _convert_to_int8_tflite(self, scheme: Scheme, is_post_training: bool) -> bytes:
        if is_post_training:
            return convert_post_training(self._prepared.twin, self._calibration, self._io_type)
        return convert(self._quantized(scheme), Precision.INT8, self._io_type)

    def _prove_identical(self, content: bytes, rewritten: bytes, how: str) -> None:
        images = self._splits.test.data.images
        if not is_bit_identical(content, rewritten, images):
            raise AssertionError(f"{how}: the output differs")
        count = len(images)
        logger.info("%s: outputs are bit-identical on %d test images", how, count)

    @cached_property
    def _batches(self) -> PairedBatches:
        return whole_batches(self._run.config, self._splits.train)

    @cached_property
    def _calibration(self) -> NDArray[np.float32]:
        return calibration_images(self._batches)

    @cached_property
    def _prepared(self) -> PreparedGenerator:
        prepared = prepare(self.generator, self._calibration)
        images = self._splits.validation.data.images
        difference = largest_difference(self.generator, prepared.twin, images)
        logger.info(
            "batch normalization folded, concatenations equalized: outputs differ by at most "
            "%.1e on %d validation images",
            difference,
            len(images),
        )
        if difference > LARGEST_PREPARATION_DIFFERENCE:
            raise AssertionError(f"the prepared generator differs by {difference}")
        return prepared

    def _quantize(self, scheme: Scheme) -> tf_keras.Model:
        prepare_execution(self._run.config.seed, self._run.config.data.trained_size)
        model = make_quantization_aware(self._prepared, scheme)

        def report(epoch: int, value: float) -> None:
            logger.info(
                "quantization-aware training, %s, epoch %d of %d: %.5f from the float output",
                scheme,
                epoch,
                EPOCHS,
                value,
            )

        objective = match_float_output(self.generator)
        fine_tune(model, self._batches, objective, EPOCHS, LEARNING_RATE, report)
        return model


def calibration_images(batches: PairedBatches) -> NDArray[np.float32]:
    """Return the images that ranges are calibrated on: up to 256 normal ones and 256 anomalies.

    They are float32 `(count, height, width, channels)` in [0, 1].
    """
    half = CALIBRATION_IMAGES // 2
    return to_input(np.concatenate([batches.normals[:half], batches.anomalies[:half]]))


def largest_difference(
    generator: keras.Model, twin: tf_keras.Model, images: NDArray[np.uint8]
) -> float:
    """Return the largest absolute difference of the outputs of two models over all pixels."""
    return max(
        float(np.abs(generator.predict_on_batch(batch) - twin.predict_on_batch(batch)).max())
        for batch in (to_input(images[start : start + 256]) for start in range(0, len(images), 256))
    )
