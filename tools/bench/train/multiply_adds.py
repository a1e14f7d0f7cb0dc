"""The multiply-adds of a training step, counted from the architecture of its networks.

The gradient of a layer with respect to its inputs takes as many multiply-adds as the layer itself,
and so does the gradient with respect to its kernel.

With B normal images and B anomalies per step, every pass is over 2 B images:

| network | forward | gradient of kernels | gradient of inputs |
|---|---|---|---|
| generator | once | once | once, without the first layer: the images need no gradient |
| encoder, on normal images and their reconstructions | once | once | once: it continues into \
the generator |
| each discriminator | once, for all its losses | once, for its own loss | once for its own loss, \
without the first layer, and once for that of the generator |

The gradient with respect to the inputs of a discriminator is counted for the real images too:
batch normalization ties them to the reconstructions in all layers but the first and the last.
"""

from dataclasses import dataclass

from ganad_tf.models.architecture import DISCRIMINATOR, ENCODER, GENERATOR, Layer, layer_shapes
from ganad_tf.models.detector import AnomalyDetector


@dataclass(frozen=True)
class Passes:
    """The multiply-adds of one network in one training step.

    Attributes:
        forward: Multiply-adds of its forward pass.
        kernel_gradients: Multiply-adds of the gradients with respect to its kernels.
        input_gradients: Multiply-adds of the gradients with respect to its inputs and inner
            feature maps.
    """

    forward: int
    kernel_gradients: int
    input_gradients: int

    @property
    def total(self) -> int:
        """The sum of the three."""
        return self.forward + self.kernel_gradients + self.input_gradients


def step_multiply_adds(detector: AnomalyDetector, batch: int) -> dict[str, Passes]:
    """Return the multiply-adds of one training step by network.

    Args:
        detector: The detector whose networks are counted.
        batch: Number of normal images per step, and of anomalies.
    """
    images = 2 * batch

    def count(layers: tuple[Layer, ...]) -> int:
        shapes = layer_shapes(layers, detector.size, detector.channels, detector.width)
        return images * sum(shape.multiply_adds for shape in shapes.values())

    generator, encoder, discriminator = map(count, (GENERATOR, ENCODER, DISCRIMINATOR))
    own_loss = discriminator - count(DISCRIMINATOR[:1])
    discriminator_passes = Passes(discriminator, discriminator, discriminator + own_loss)
    return {
        "generator": Passes(generator, generator, generator - count(GENERATOR[:1])),
        "encoder": Passes(encoder, encoder, encoder),
        detector.normal_discriminator.name: discriminator_passes,
        detector.anomaly_discriminator.name: discriminator_passes,
    }
