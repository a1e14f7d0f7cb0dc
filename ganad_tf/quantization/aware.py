"""Quantization-aware training of the generator with tfmot."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from numpy.typing import NDArray

from ganad_tf.data.batches import PairedBatches
from ganad_tf.quantization.folding import FoldedLayer

Objective = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From float images `(batch, size, size, channels)`, the first half of them normal and the
second anomalous, and their reconstructions, to the scalar to minimize."""

WRAPPED = "quant_"


def make_quantization_aware(
    twin: tf_keras.Model, folded: list[FoldedLayer], calibration: NDArray[np.float32]
) -> tf_keras.Model:
    """Insert fake quantization into a folded generator.

    The input and the output have the fixed range [0, 1], so that the int8 input is exactly
    the pixel minus 128 and the int8 output saturates where scoring clips. All other ranges
    start from what the layers give for the calibration images: tfmot's own start, [-6, 6]
    with a decay of .999, would take thousands of steps to reach them.

    Args:
        twin: The model from `build_twin`.
        folded: The layers it was built from.
        calibration: float32 images `(count, size, size, channels)` in [0, 1].

    Returns:
        A tf_keras model of the same input and output.
    """
    keras = tfmot.quantization.keras
    with keras.quantize_scope():
        model = keras.fix_input_output_range(keras.quantize_model(twin))
    for layer in folded:
        weights = _weights(model, layer.name)
        weights["kernel"].assign(layer.kernel)
        weights["bias"].assign(layer.bias)
    _calibrate(model, twin, calibration)
    return model


def fine_tune(
    model: tf_keras.Model,
    batches: PairedBatches,
    objective: Objective,
    epochs: int,
    learning_rate: float,
    on_epoch: Callable[[int, float], None],
) -> None:
    """Train a quantization-aware model in place.

    Args:
        model: The model from `make_quantization_aware`.
        batches: Normal images and anomalies, both are shown.
        objective: What to minimize.
        epochs: Epochs of `batches`.
        learning_rate: Peak of Adam's learning rate; it falls to 0 along a cosine.
        on_epoch: Called after each epoch with its number, from 1, and its mean objective.
    """
    schedule = tf_keras.optimizers.schedules.CosineDecay(learning_rate, epochs * batches.steps)
    optimizer = tf_keras.optimizers.Adam(schedule)

    @tf.function
    def step(normal: tf.Tensor, anomaly: tf.Tensor) -> tf.Tensor:
        images = tf.concat([normal, anomaly], 0)
        with tf.GradientTape() as tape:
            value = objective(images, model(images, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    for epoch in range(epochs):
        values = [step(*pair).numpy() for pair in batches.dataset(epoch, epoch + 1)]
        on_epoch(epoch + 1, float(np.mean(values)))


def _calibrate(model: tf_keras.Model, twin: tf_keras.Model, images: NDArray[np.float32]) -> None:
    inner = [layer for layer in twin.layers[1:] if layer.output is not twin.output]
    outputs = tf_keras.Model(twin.input, [layer.output for layer in inner])(images)
    for layer, output in zip(inner, outputs, strict=True):
        weights = _weights(model, layer.name)
        kind = "post_activation" if "post_activation_min" in weights else "output"
        weights[f"{kind}_min"].assign(tf.minimum(tf.reduce_min(output), 0.0))
        weights[f"{kind}_max"].assign(tf.reduce_max(output))


def _weights(model: tf_keras.Model, name: str) -> dict[str, tf.Variable]:
    layer = model.get_layer(WRAPPED + name)
    return {weight.name.split(":")[0].split("/")[-1]: weight for weight in layer.weights}
