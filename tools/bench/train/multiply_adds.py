"""The multiply-adds of a training step, counted from the Keras layers of its networks.

A layer of the forward pass uses each entry of its kernel once at each position: of its output
for a convolution, of its input for a transposed one. Positions in the border count like the
others. Each of its two gradients, that of its inputs and that of its kernel, takes as many again.

With B normal images and B anomalies a step, every pass is over 2 B images:

| network | forward | gradient of kernels | gradient of inputs |
|---|---|---|---|
| generator | once | once | once, without the first layer: nobody asks for that of the images |
| encoder, on normal images and their reconstructions | once | once | once: it goes on into \
the generator |
| each discriminator | once, for all its losses | once, for its own loss | once for its own loss, \
without the first layer, and once for the generator's |

The gradient of a discriminator's inputs is counted for the real images too: batch normalization
ties them to the reconstructions in all layers but the first and the last.
"""

import math
from dataclasses import dataclass

import keras

from ganad_tf.models.detector import AnomalyDetector
from ganad_tf.models.generator import build_encoder


@dataclass(frozen=True)
class Passes:
    """The multiply-adds of one network in one training step.

    Attributes:
        forward: Of its forward pass.
        kernel_gradients: Of the gradients of its kernels.
        input_gradients: Of the gradients of its inputs and inner maps.
    """

    forward: int
    kernel_gradients: int
    input_gradients: int

    @property
    def total(self) -> int:
        """The sum of the three."""
        return self.forward + self.kernel_gradients + self.input_gradients


def layer_multiply_adds(network: keras.Model) -> list[int]:
    """Return the multiply-adds of each layer with a kernel, for one image, in their order.

    Raises:
        TypeError: If a layer has a kernel and is no convolution: its count is not known here.
    """
    counts = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            positions = layer.input.shape[1:3]
        elif isinstance(layer, keras.layers.Conv2D):
            positions = layer.output.shape[1:3]
        elif any(len(weight.shape) > 1 for weight in layer.weights):
            raise TypeError(f"{network.name}: no count for {type(layer).__name__} {layer.name}")
        else:
            continue
        counts.append(math.prod(positions) * math.prod(layer.kernel.shape))
    return counts


def step_multiply_adds(detector: AnomalyDetector, batch: int) -> dict[str, Passes]:
    """Return the multiply-adds of a step by network.

    Args:
        detector: The networks.
        batch: Normal images a step, and anomalies.
    """
    images = 2 * batch
    generator = layer_multiply_adds(detector.generator)
    encoder = images * sum(layer_multiply_adds(build_encoder(detector.generator)))
    passes = {
        "generator": Passes(
            images * sum(generator), images * sum(generator), images * sum(generator[1:])
        ),
        "encoder": Passes(encoder, encoder, encoder),
    }
    for network in (detector.normal_discriminator, detector.anomaly_discriminator):
        layers = layer_multiply_adds(network)
        once = images * sum(layers)
        passes[network.name] = Passes(once, once, once + images * sum(layers[1:]))
    return passes
