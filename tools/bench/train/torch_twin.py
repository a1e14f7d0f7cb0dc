"""The same networks, losses and training step as a plain PyTorch program.

Images are float32 `(batch, channels, size, size)` in [0, 1], in either memory format. One pass
of the generator over both batches, one of the encoder and of each discriminator over images and
reconstructions, one retained graph for the three objectives, as in `AnomalyDetector`.
"""

import copy
import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ganad_tf.config import RunConfig

# Written once more, because the modules that have them import TensorFlow.
LEAK = 0.2
SMALLEST_ERROR = 1e-8
AVERAGING_DELAY = 10.0
KERAS_EPSILON = 1e-7
# What TensorFlow adds around a 4x4 stride-1 convolution: left, right, top, bottom.
SAME_PADDING = nn.ZeroPad2d((1, 2, 1, 2))


def convolution(inputs: int, maps: int) -> nn.Conv2d:
    """Return a 4x4 stride-2 convolution without bias that halves the size."""
    return nn.Conv2d(inputs, maps, 4, 2, padding=1, bias=False)


def upconvolution(inputs: int, maps: int) -> nn.ConvTranspose2d:
    """Return a 4x4 stride-2 transposed convolution without bias that doubles the size."""
    return nn.ConvTranspose2d(inputs, maps, 4, 2, padding=1, bias=False)


def normalization(maps: int) -> nn.BatchNorm2d:
    """Return batch normalization with the constants of Keras."""
    return nn.BatchNorm2d(maps, eps=1e-3, momentum=0.01)


class Encoder(nn.Module):
    """The first half of the generator."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = convolution(channels, width)
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for maps in (2 * width, 4 * width, 8 * width):
            self.convolutions.append(convolution(maps // 2, maps))
            self.norms.append(normalization(maps))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps of all four layers."""
        maps = [functional.relu(self.first(images), inplace=True)]
        for layer, norm in zip(self.convolutions, self.norms, strict=True):
            maps.append(functional.relu(norm(layer(maps[-1])), inplace=True))
        return maps

    def latents(self, images: Tensor) -> Tensor:
        """Return the last maps, normalized by this batch; the moving statistics stay."""
        maps = functional.relu(self.first(images), inplace=True)
        norms = cast("Iterable[nn.BatchNorm2d]", self.norms)
        for layer, norm in zip(self.convolutions, norms, strict=True):
            maps = functional.batch_norm(
                layer(maps), None, None, norm.weight, norm.bias, training=True, eps=norm.eps
            )
            maps = functional.relu(maps, inplace=True)
        return maps


class Generator(nn.Module):
    """The U-Net of `ganad_tf.models.generator`."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.encoder = Encoder(channels, width)
        self.upconvolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for inputs, maps in ((8, 4), (8, 2), (4, 1)):
            self.upconvolutions.append(upconvolution(inputs * width, maps * width))
            self.norms.append(normalization(maps * width))
        self.last = upconvolution(2 * width, channels)

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstructions, unbounded."""
        *skips, maps = self.encoder(images)
        for layer, norm in zip(self.upconvolutions, self.norms, strict=True):
            maps = functional.relu(norm(layer(maps)), inplace=True)
            maps = torch.cat([maps, skips.pop()], 1)
        return self.last(maps)


class Discriminator(nn.Sequential):
    """The patch classifier of `ganad_tf.models.discriminator`."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(
            convolution(channels, width),
            nn.LeakyReLU(LEAK, inplace=True),
            convolution(width, 2 * width),
            normalization(2 * width),
            nn.LeakyReLU(LEAK, inplace=True),
            convolution(2 * width, 4 * width),
            normalization(4 * width),
            nn.LeakyReLU(LEAK, inplace=True),
            SAME_PADDING,
            nn.Conv2d(4 * width, 8 * width, 4, bias=False),
            normalization(8 * width),
            nn.LeakyReLU(LEAK, inplace=True),
            SAME_PADDING,
            nn.Conv2d(8 * width, 4 * width, 4, bias=False),
        )


def patch_loss(images: Tensor, copies: Tensor, patch_size: int, count: int) -> Tensor:
    """Return the mean of the `count` largest patch errors of each image."""
    pixel_errors = (images - copies).abs().mean(1, keepdim=True)
    errors = functional.avg_pool2d(pixel_errors, patch_size).flatten(1)
    return errors.topk(count, sorted=False).values.mean()


def abc_loss(errors: Tensor) -> Tensor:
    """Return the mean of `-log(1 - exp(-error))`, in the form that keeps its digits."""
    errors = errors.clamp(min=SMALLEST_ERROR)
    small = torch.log(-torch.expm1(-errors.clamp(max=math.log(2.0))))
    large = torch.log1p(-torch.exp(-errors.clamp(min=math.log(2.0))))
    return -torch.where(errors < math.log(2.0), small, large).mean()


class Twin:
    """The three networks, the moving average of the generator, and what trains them.

    Args:
        config: The configuration of the training; the regime of the losses must be joint.
        channels: Channels of the images.
        steps: Steps of an epoch.
        memory_format: Layout of images and kernels.
    """

    def __init__(
        self, config: RunConfig, channels: int, steps: int, memory_format: torch.memory_format
    ) -> None:
        self.weights, self.averaging = config.loss, config.train.averaging
        width = config.train.width
        self.generator = Generator(channels, width)
        self.normal_discriminator = Discriminator(channels, width)
        self.anomaly_discriminator = Discriminator(channels, width)
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
        normal_copy, anomaly_copy = self.generator(torch.cat([normal, anomaly])).chunk(2)
        latents, copied_latents = self.generator.encoder.latents(
            torch.cat([normal, normal_copy])
        ).chunk(2)
        normal_real, normal_fake = self.normal_discriminator(
            torch.cat([normal, normal_copy])
        ).chunk(2)
        anomaly_real, anomaly_fake = self.anomaly_discriminator(
            torch.cat([anomaly, anomaly_copy])
        ).chunk(2)
        patch = self.weights.patch_size, self.weights.patch_count
        return {
            "reconstruction": functional.l1_loss(normal_copy, normal),
            "patch": patch_loss(normal, normal_copy, *patch),
            "latent": functional.l1_loss(copied_latents, latents),
            "adversarial": (normal_fake - 1).square().mean(),
            "anomaly_adversarial": anomaly_fake.square().mean(),
            "abc": abc_loss((anomaly - anomaly_copy).abs().mean((1, 2, 3))),
            "normal_discriminator": (normal_real - 1).square().mean() + normal_fake.square().mean(),
            "anomaly_discriminator": (anomaly_real - 1).square().mean()
            + anomaly_fake.square().mean(),
        }

    def generator_loss(self, values: dict[str, Tensor]) -> Tensor:
        """Return the weighted sum of the six losses of the generator."""
        weights = self.weights
        return (
            weights.reconstruction * values["reconstruction"]
            + weights.patch * values["patch"]
            + weights.latent * values["latent"]
            + weights.adversarial * values["adversarial"]
            + weights.anomaly_adversarial * values["anomaly_adversarial"]
            + weights.abc * values["abc"]
        )

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
    """Return kernels, scales, offsets and moving statistics."""
    tensors = [*network.parameters(), *network.buffers()]
    return [tensor for tensor in tensors if tensor.is_floating_point()]
