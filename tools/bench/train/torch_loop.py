"""The training step of PyTorch, timed. Started by `children.measure`."""

import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from ganad_tf.config import TrainConfig
from tools.bench.train.cases import Case
from tools.bench.train.torch_twin import Twin

LAYOUTS = {"default": torch.contiguous_format, "channels-last": torch.channels_last}


def reflected(places: Tensor, length: int) -> Tensor:
    """Mirror places outside `0..length - 1` at the border, the border pixel included."""
    places = torch.where(places < 0, -1 - places, places)
    return torch.where(places >= length, 2 * length - 1 - places, places)


def augmented(images: Tensor, chosen: Tensor, config: TrainConfig) -> Tensor:
    """Pick images, each mirrored and shifted at random, with one gather of their pixels.

    Args:
        images: uint8 `(images, height, width, channels)`.
        chosen: int64 `(batch,)`, which images.
        config: Augmentation.

    Returns:
        uint8 `(batch, height, width, channels)`.
    """
    batch, (height, width) = len(chosen), images.shape[1:3]
    offsets = torch.randint(-config.shift, config.shift + 1, (2, batch, 1))
    rows = reflected(torch.arange(height) + offsets[0], height)
    columns = reflected(torch.arange(width) + offsets[1], width)
    if config.flip:
        columns = torch.where(torch.rand(batch, 1) < 0.5, columns.flip(1), columns)
    return images[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]


def epoch(
    classes: tuple[Tensor, ...], config: TrainConfig, memory_format: torch.memory_format
) -> Iterator[list[Tensor]]:
    """Yield pairs of float32 batches `(batch, channels, height, width)` in random order."""
    orders = (torch.randperm(len(images)).split(config.batch_size) for images in classes)
    for chosen in zip(*orders, strict=True):
        yield [
            augmented(images, indices, config)
            .permute(0, 3, 1, 2)
            .to(torch.float32, memory_format=memory_format)
            .div_(255)
            for images, indices in zip(classes, chosen, strict=True)
        ]


def train(case: Case, layout: str) -> dict[str, float]:
    """Train, and return the median seconds of a step over the chunks but the first."""
    torch.manual_seed(0)
    torch.set_num_threads(case.threads)
    normal, anomaly = torch.from_numpy(case.images())
    config = case.config
    twin = Twin(config, case.channels, case.steps, LAYOUTS[layout])
    marks: list[float] = []
    while len(marks) < 2 or marks[-1] - marks[0] < case.seconds:
        losses = torch.zeros(8)
        for pair in epoch((normal, anomaly), config.train, LAYOUTS[layout]):
            losses += twin.step(*pair)
        # The means of the epoch, which Keras hands out too.
        (losses / case.steps).tolist()
        marks.append(time.perf_counter())
    chunks = itertools.pairwise(marks)
    return {"seconds": statistics.median((end - start) / case.steps for start, end in chunks)}


if __name__ == "__main__":
    print(json.dumps(train(Case.from_json(sys.argv[1]), sys.argv[2])))
