"""Every random stream of the batches and of the synthetic anomalies, with the seed of each.

A stream is a sequence of random numbers for one purpose. Its numbers are a pure function of the
seed of the run, the step, the label and the candidate, so that a resumed run sees the very batches
of an undisturbed one. Two streams that are drawn for the same batches must never share a seed: what
they decide would be correlated. `tests/data/batches/test_streams.py` proves it for all streams that
are listed here, and that nothing else draws random numbers.

The order of images (see `ganad_tf.data.batches.samples`) comes from another generator, which takes
the seed of the run, the label and the number of the pass.
"""

from enum import Enum, IntEnum, unique
from typing import Any

_DRAW = 1 << 32
"""Keeps the draws of tiles apart: the seed of a run is smaller."""
_LIGHT = 1 << 40
_FLIP_VERTICAL = 2 << 40


class Label(IntEnum):
    """The two batches of a pair."""

    NORMAL = 0
    ANOMALY = 1


class Batches(Enum):
    """What is drawn together: streams of the same kind of batches must be apart."""

    WHOLE = "whole images of both labels"
    NORMAL_TILES = "tiles of normal images"
    MARKED_TILES = "tiles of anomalies at their defects"
    CANDIDATE_TILES = "candidate tiles of anomalies"


@unique
class Stream(Enum):
    """Uniform samples for the images of a batch, one row for each image.

    The value is `(batches, seed offset, step offset, offset of each further candidate)`: the kinds
    of batches that draw from the stream, and what `seed` adds. A stream whose last offset is 0
    serves all candidates of an image the same samples.
    """

    SHIFT = ((Batches.WHOLE,), 0, 0, 0)
    FLIP = ((Batches.WHOLE,), 1, 1, 0)
    FLIP_VERTICAL = ((Batches.WHOLE,), _FLIP_VERTICAL, _FLIP_VERTICAL, 0)
    LIGHT = (tuple(Batches), _LIGHT, _LIGHT, 0)

    NORMAL_PLACE = ((Batches.NORMAL_TILES,), 0, 0, 2 * _DRAW)
    NORMAL_TRANSFORM = ((Batches.NORMAL_TILES,), _DRAW, 0, 2 * _DRAW)

    MARKED_PLACE = ((Batches.MARKED_TILES,), 0, 0, 0)
    MARKED_TRANSFORM = ((Batches.MARKED_TILES,), _DRAW, 0, 0)
    TRANSPLANT = ((Batches.MARKED_TILES,), 2 * _DRAW, 0, 0)

    CANDIDATE_IMAGE = ((Batches.CANDIDATE_TILES,), 0, 0, 0)
    CANDIDATE_PLACE = ((Batches.CANDIDATE_TILES,), _DRAW, 0, 2 * _DRAW)
    CANDIDATE_TRANSFORM = ((Batches.CANDIDATE_TILES,), 2 * _DRAW, 0, 2 * _DRAW)

    def __init__(
        self, batches: tuple[Batches, ...], seed_offset: int, step_offset: int, stride: int
    ) -> None:
        self.batches, self.stride = batches, stride
        self.seed_offset, self.step_offset = seed_offset, step_offset

    def seed(self, run_seed: int, step: Any, label: Label, candidate: int = 0) -> tuple[int, Any]:
        """Return the seed of the samples of a step, for `tf.random.stateless_uniform`.

        Args:
            run_seed: The seed of the run, from 0 to 2^32 - 1.
            step: The number of the step over all epochs, from 0: an integer or an int64 tensor.
            label: Which batch of the pair the samples are for.
            candidate: The number of the candidate tile, from 0.
        """
        first = run_seed + self.seed_offset + candidate * self.stride
        return first, 2 * step + label + self.step_offset


@unique
class SyntheticStream(IntEnum):
    """The NumPy generators of the synthetic anomalies: what is added to the seed of the run.

    Splitting and sampling begin with the seed of the run itself, too. They permute and choose,
    where synthetic anomalies draw shapes.
    """

    TRAIN = 0
    VALIDATION = 1
    TEST = 2
