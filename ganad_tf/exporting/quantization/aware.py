"""Quantization-aware training of the generator with tfmot."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.exporting.quantization.preparation import PreparedGenerator
from ganad_tf.targets.recipe import Scheme

Objective = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""A function of float32 images `(batch, height, width, channels)`, the first half normal and the
second half anomalous, and of their reconstructions, that returns the scalar to minimize."""

WRAPPED = "quant_"
BITS = 8


class LayerQuantization(tfmot.quantization.keras.QuantizeConfig):
    """The quantization of one layer of the generator, for tfmot.

    The kernel of a convolution has one scale per output channel. The kernel of a transposed
    convolution has a single scale, because TensorRT supports nothing else for it (NVIDIA/TensorRT
    issue 2380).

    Args:
        upper: Upper end of the range of the activations, None to leave them unquantized.
        scheme: How activations are mapped to 8 bits, the value of a `Scheme`.
    """

    def __init__(self, upper: float | None, scheme: str) -> None:
        self.upper, self.scheme = upper, scheme

    def get_weights_and_quantizers(self, layer: tf_keras.layers.Layer) -> list:
        """Return the kernel with its quantizer, if the layer has a kernel."""
        if not hasattr(layer, "kernel"):
            return []
        is_transposed = isinstance(layer, tf_keras.layers.Conv2DTranspose)
        return [(layer.kernel, _kernel_quantizer(per_axis=not is_transposed))]

    def get_activations_and_quantizers(self, layer: tf_keras.layers.Layer) -> list:
        """Return the activation with its fixed range, if it has one."""
        if self.upper is None:
            return []
        is_symmetric = self.scheme == Scheme.SYMMETRIC
        quantizer = tfmot.quantization.keras.quantizers.FixedQuantizer(
            BITS, -self.upper if is_symmetric else 0.0, self.upper, narrow_range=is_symmetric
        )
        return [(layer.activation, quantizer)]

    def set_quantize_weights(self, layer: tf_keras.layers.Layer, quantize_weights: list) -> None:
        """Set the fake-quantized kernel."""
        if quantize_weights:
            (layer.kernel,) = quantize_weights

    def set_quantize_activations(
        self, layer: tf_keras.layers.Layer, quantize_activations: list
    ) -> None:
        """Set the fake-quantized activation."""
        if quantize_activations:
            (layer.activation,) = quantize_activations

    def get_output_quantizers(self, layer: tf_keras.layers.Layer) -> list:
        """Return an empty list: outputs are quantized with their activation."""
        return []

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"upper": self.upper, "scheme": self.scheme}


@tf.autograph.experimental.do_not_convert
def make_quantization_aware(prepared: PreparedGenerator, scheme: Scheme) -> tf_keras.Model:
    """Insert fake quantization into a generator.

    The input and the output have the fixed range [0, 1], so that the int8 input is exactly
    the pixel minus 128 and the int8 output saturates where scoring clips.

    Args:
        prepared: The generator from `prepare`.
        scheme: How activations are mapped to 8 bits.

    Returns:
        A tf_keras model with the same input and output.
    """
    keras = tfmot.quantization.keras

    def annotate(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        return keras.quantize_annotate_layer(
            layer.__class__.from_config(layer.get_config()),
            LayerQuantization(prepared.ranges.get(layer.name), scheme.value),
        )

    with keras.quantize_scope({"LayerQuantization": LayerQuantization}):
        annotated = tf_keras.models.clone_model(
            prepared.twin,
            clone_function=lambda layer: (
                layer if isinstance(layer, tf_keras.layers.InputLayer) else annotate(layer)
            ),
        )
        model = keras.fix_input_output_range(keras.quantize_apply(annotated))
    for name, layer in prepared.layers.items():
        weights = layer_weights(model, name)
        weights["kernel"].assign(layer.kernel)
        weights["bias"].assign(layer.bias)
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
        batches: Pairs of batches of normal images and anomalies; both are trained on.
        objective: What to minimize.
        epochs: Number of epochs.
        learning_rate: Peak of Adam's learning rate; it falls to 0 along a cosine.
        on_epoch: Called after each epoch with its number, from 1, and the mean objective.
    """
    schedule = tf_keras.optimizers.schedules.CosineDecay(learning_rate, epochs * batches.steps)
    optimizer = tf_keras.optimizers.Adam(schedule)
    # The step would be traced twice if the first trace made the variables of the optimizer.
    optimizer.build(model.trainable_variables)

    @tf.function(autograph=False)
    def step(normal: tf.Tensor, anomaly: tf.Tensor) -> tf.Tensor:
        images = tf.concat([normal, anomaly], 0)
        with tf.GradientTape() as tape:
            value = objective(images, model(images, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    pairs = iter(batches.dataset(0, epochs))
    for epoch in range(epochs):
        values = [step(*next(pairs)[:2]).numpy() for _ in range(batches.steps)]
        on_epoch(epoch + 1, float(np.mean(values)))


def layer_weights(model: tf_keras.Model, name: str) -> dict[str, tf.Variable]:
    """Return the variables of a quantization-aware layer by name, without prefix and suffix.

    Args:
        model: The model from `make_quantization_aware`.
        name: Name of the layer in the twin.
    """
    layer = model.get_layer(WRAPPED + name)
    return {weight.name.split(":")[0].split("/")[-1]: weight for weight in layer.weights}


def _kernel_quantizer(per_axis: bool) -> tfmot.quantization.keras.quantizers.Quantizer:
    return tfmot.quantization.keras.quantizers.LastValueQuantizer(
        num_bits=BITS, per_axis=per_axis, symmetric=True, narrow_range=True
    )
