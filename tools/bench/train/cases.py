"""What is measured: a shape, a batch size and a number of threads."""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganad_tf.config import DataConfig, RunConfig, TrainConfig

PIXELS_PER_CHUNK = 2**20
FEWEST_STEPS = 2
# So many that the learning rate has not fallen noticeably when the time is over.
EPOCHS = 10_000


@dataclass(frozen=True)
class Case:
    """One measurement, as it is handed to the child process that makes it.

    Attributes:
        size: Height and width of the images in pixels; a multiple of 16.
        channels: Channels of the images.
        batch: Normal images per step; as many anomalies go with them.
        threads: Cores that the process may use.
        seconds: Steps are timed for at least so long, after a chunk that is not timed.
        steps: Steps of a chunk, after which the clock is read; an epoch of the training.
    """

    size: int
    channels: int
    batch: int
    threads: int
    seconds: float
    steps: int

    def __post_init__(self) -> None:
        """Raise `UserError` for a shape that cannot be trained, before any process starts."""
        _ = self.config

    @property
    def shape(self) -> str:
        """The shape of an image, for people."""
        return f"{self.size}x{self.size}x{self.channels}"

    @property
    def config(self) -> RunConfig:
        """The configuration of the training, with the defaults of CIFAR-100."""
        data = DataConfig(dataset="cifar100", size=self.size, channels=self.channels)
        return RunConfig(data=data, train=TrainConfig(epochs=EPOCHS, batch_size=self.batch))

    def images(self) -> NDArray[np.uint8]:
        """Return random images of both classes, `(2, images, size, size, channels)`."""
        shape = (2, self.steps * self.batch, self.size, self.size, self.channels)
        return np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    def to_json(self) -> str:
        """Return the case as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Case":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def chunk_steps(size: int, batch: int) -> int:
    """Return how many steps make a chunk of about the same number of pixels at every shape."""
    return max(FEWEST_STEPS, PIXELS_PER_CHUNK // (size**2 * batch))
