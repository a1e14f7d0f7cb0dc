"""The same networks, losses and training step as a plain PyTorch program.

Images are float32 `(batch, channels, size, size)` in [0, 1], in either memory format. One pass
of the generator over both batches, one of the encoder and of each discriminator over images and
reconstructions, and one retained graph for the three objectives, as in `AnomalyDetector`.
"""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ganad_tf.config import GENERATOR_LOSSES, RunConfig
from ganad_tf.config.schema import DOWNSAMPLING
from ganad_tf.models.architecture import (
    DISCRIMINATOR,
    ENCODER,
    GENERATOR,
    IMAGE,
    KERNEL,
    LEAK,
    STRIDE,
    Activation,
    Kind,
    Layer,
    layer_shapes,
    walk,
)

# Repeated here, because the modules that define them import TensorFlow.
SMALLEST_ERROR = 1e-8
AVERAGING_DELAY = 10.0
KERAS_EPSILON = 1e-7
# What TensorFlow adds around a 4x4 stride-1 convolution: left, right, top, bottom.
SAME_PADDING = (1, 2, 1, 2)

Normalize = Callable[[nn.BatchNorm2d, Tensor], Tensor]


class Network(nn.Module):
    """A network of `ganad_tf.models.architecture`.

    Args:
        layers: The layers of the network, from input to output.
        channels: Channels of the images.
        width: Channels of the first layer.
    """

    def __init__(self, layers: tuple[Layer, ...], channels: int, width: int) -> None:
        super().__init__()
        self.layers = layers
        self.convolutions, self.norms = nn.ModuleDict(), nn.ModuleDict()
        # Channels do not depend on the size.
        shapes = layer_shapes(layers, DOWNSAMPLING, channels, width)
        for layer in layers:
            inputs, outputs = shapes[layer.name].input_channels, shapes[layer.name].output_channels
            self.convolutions[layer.name] = convolution(layer.kind, inputs, outputs)
            if layer.is_normalized:
                # The constants of Keras.
                self.norms[layer.name] = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)

    def forward(self, images: Tensor) -> Tensor:
        """Return the output of the last layer, unbounded."""
        outputs = self._walk(self.layers, images, lambda norm, features: norm(features))
        return outputs[self.layers[-1].name]

    def latents(self, images: Tensor) -> Tensor:
        """Return the latents, normalized by this batch; moving statistics are not updated."""
        outputs = self._walk(ENCODER, images, normalized_by_batch)
        return outputs[ENCODER[-1].name]

    def _walk(
        self, layers: tuple[Layer, ...], images: Tensor, normalize: Normalize
    ) -> dict[str, Tensor]:
        def apply(layer: Layer, features: Tensor) -> Tensor:
            if layer.kind == Kind.KEEPING:
                features = functional.pad(features, SAME_PADDING)
            features = self.convolutions[layer.name](features)
            if layer.is_normalized:
                features = normalize(self.norms[layer.name], features)
            if layer.activation == Activation.RELU:
                features = functional.relu(features, inplace=True)
            if layer.activation == Activation.LEAKY_RELU:
                features = functional.leaky_relu(features, LEAK, inplace=True)
            return features

        return walk(layers, {IMAGE: images}, apply, lambda _, inputs: torch.cat(inputs, 1))


def convolution(kind: Kind, inputs: int, outputs: int) -> nn.Module:
    """Return a 4x4 convolution without bias."""
    if kind == Kind.KEEPING:
        return nn.Conv2d(inputs, outputs, KERNEL, bias=False)
    factory = nn.Conv2d if kind == Kind.HALVING else nn.ConvTranspose2d
    return factory(inputs, outputs, KERNEL, STRIDE, padding=1, bias=False)


def normalized_by_batch(norm: nn.BatchNorm2d, features: Tensor) -> Tensor:
    """Normalize by the statistics of the batch without updating the moving ones."""
    return functional.batch_norm(
        features, None, None, norm.weight, norm.bias, training=True, eps=norm.eps
    )


def patch_loss(images: Tensor, reconstructions: Tensor, patch_size: int, count: int) -> Tensor:
    """Return the mean of the `count` largest patch errors of each image."""
    pixel_errors = (images - reconstructions).abs().mean(1, keepdim=True)
    errors = functional.avg_pool2d(pixel_errors, patch_size).flatten(1)
    return errors.topk(count, sorted=False).values.mean()


def abc_loss(errors: Tensor) -> Tensor:
    """Return the mean of `-log(1 - exp(-error))`, in a form that keeps precision in float32."""
    errors = errors.clamp(min=SMALLEST_ERROR)
    small = torch.log(-torch.expm1(-errors.clamp(max=math.log(2.0))))
    large = torch.log1p(-torch.exp(-errors.clamp(min=math.log(2.0))))
    return -torch.where(errors < math.log(2.0), small, large).mean()


class Twin:
    """The three networks, the moving average of the generator, and their optimizer.

    Args:
        config: The configuration of the training; the regime of the losses must be joint.
        channels: Channels of the images.
        steps: Number of steps per epoch.
        memory_format: Layout of images and kernels.
    """

    def __init__(
        self, config: RunConfig, channels: int, steps: int, memory_format: torch.memory_format
    ) -> None:
        self.weights, self.averaging = config.loss, config.train.averaging
        width = config.train.width
        self.generator = Network(GENERATOR, channels, width)
        self.normal_discriminator = Network(DISCRIMINATOR, channels, width)
        self.anomaly_discriminator = Network(DISCRIMINATOR, channels, width)
        self.networks = (
            self.generator,
            self.normal_discriminator,
            self.anomaly_discriminator,
        )
        for network in self.networks:
            network.to(memory_format=memory_format)  # type: ignore[call-overload]
        self.averaged_generator = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.parameters = [list(network.parameters()) for network in self.networks]
        self.optimizer = torch.optim.Adam(
            [parameter for parameters in self.parameters for parameter in parameters],
            config.train.learning_rate,
            eps=KERAS_EPSILON,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, config.train.epochs * steps
        )
        self.means, self.values = _state(self.averaged_generator), _state(self.generator)
        self.steps_done = 0

    def losses(self, normal: Tensor, anomaly: Tensor) -> dict[str, Tensor]:
        """Return the eight losses of a pair of batches by name, unweighted."""
        normal_output, anomaly_output = self.generator(torch.cat([normal, anomaly])).chunk(2)
        latents, reconstructed_latents = self.generator.latents(
            torch.cat([normal, normal_output])
        ).chunk(2)
        normal_real, normal_fake = self.normal_discriminator(
            torch.cat([normal, normal_output])
        ).chunk(2)
        anomaly_real, anomaly_fake = self.anomaly_discriminator(
            torch.cat([anomaly, anomaly_output])
        ).chunk(2)
        patch = self.weights.patch_size, self.weights.patch_count
        return {
            "reconstruction": functional.l1_loss(normal_output, normal),
            "patch": patch_loss(normal, normal_output, *patch),
            "latent": functional.l1_loss(reconstructed_latents, latents),
            "adversarial": (normal_fake - 1).square().mean(),
            "anomaly_adversarial": anomaly_fake.square().mean(),
            "abc": abc_loss((anomaly - anomaly_output).abs().mean((1, 2, 3))),
            "normal_discriminator": (normal_real - 1).square().mean() + normal_fake.square().mean(),
            "anomaly_discriminator": (anomaly_real - 1).square().mean()
            + anomaly_fake.square().mean(),
        }

    def generator_loss(self, values: dict[str, Tensor]) -> Tensor:
        """Return the weighted sum of the six losses of the generator."""
        terms = [getattr(self.weights, name) * values[name] for name in GENERATOR_LOSSES]
        return torch.stack(terms).sum()

    def step(self, normal: Tensor, anomaly: Tensor) -> Tensor:
        """Update the three networks once, and return the eight losses `(8,)`."""
        values = self.losses(normal, anomaly)
        generator, normal_discriminator, anomaly_discriminator = self.parameters
        self.optimizer.zero_grad()
        self.generator_loss(values).backward(inputs=generator, retain_graph=True)
        values["normal_discriminator"].backward(inputs=normal_discriminator)
        values["anomaly_discriminator"].backward(inputs=anomaly_discriminator)
        self.optimizer.step()
        self.schedule.step()
        self._update_average()
        return torch.stack(list(values.values())).detach()

    def _update_average(self) -> None:
        self.steps_done += 1
        decay = min(self.averaging, self.steps_done / (self.steps_done + AVERAGING_DELAY))
        get_ema_multi_avg_fn(decay)(self.means, self.values, self.steps_done)


def _state(network: nn.Module) -> list[Tensor]:
    """Return the kernels, the scales and offsets, and the moving statistics of a network."""
    tensors = [*network.parameters(), *network.buffers()]
    return [tensor for tensor in tensors if tensor.is_floating_point()]
