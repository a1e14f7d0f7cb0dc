"""No two random streams share a seed, whatever the step, the label and the candidate."""

import itertools
import math
import re
from pathlib import Path

import pytest

from ganad_tf.config import SEEDS
from ganad_tf.data import batches
from ganad_tf.data.batches.streams import Batches, Label, Stream

STEPS = 1 << 38
CANDIDATES = 1 << 28
"""More steps of a run, and more candidates of an image, than can occur."""
DRAW, LIGHT = 1 << 32, 1 << 40


def first_halves_meet(one: Stream, other: Stream) -> bool:
    """Tell whether the first numbers of the seeds of two streams are equal for some candidates."""
    if one.stride and other.stride:
        return (one.seed_offset - other.seed_offset) % math.gcd(one.stride, other.stride) == 0
    fixed, moving = (one, other) if other.stride else (other, one)
    candidate, rest = divmod(fixed.seed_offset - moving.seed_offset, moving.stride or 1)
    return rest == 0 and 0 <= candidate < (CANDIDATES if moving.stride else 1)


def second_halves_meet(one: Stream, other: Stream) -> bool:
    """Tell whether the second numbers of the seeds of two streams are equal for some steps."""
    return abs(one.step_offset - other.step_offset) < 2 * STEPS


def share_a_seed(one: Stream, other: Stream) -> bool:
    return first_halves_meet(one, other) and second_halves_meet(one, other)


def streams_of(kind: Batches) -> list[Stream]:
    return [stream for stream in Stream if kind in stream.batches]


@pytest.mark.parametrize("kind", Batches)
def test_streams_of_the_same_batches_never_share_a_seed(kind: Batches) -> None:
    shared = [pair for pair in itertools.combinations(streams_of(kind), 2) if share_a_seed(*pair)]
    assert not shared


@pytest.mark.parametrize("kind", Batches)
@pytest.mark.parametrize("run_seed", [0, 5, SEEDS - 1])
def test_all_seeds_of_the_first_steps_are_different(kind: Batches, run_seed: int) -> None:
    seeds = [
        stream.seed(run_seed, step, label, candidate)
        for stream in streams_of(kind)
        for step in range(40)
        for label in Label
        for candidate in range(300 if stream.stride else 1)
    ]
    assert len(set(seeds)) == len(seeds)


def test_streams_that_share_seeds_would_be_noticed() -> None:
    """Streams of different batches may share seeds: those of a pair like them would be found."""
    assert share_a_seed(Stream.SHIFT, Stream.MARKED_PLACE)
    assert share_a_seed(Stream.NORMAL_PLACE, Stream.TRANSPLANT)
    assert share_a_seed(Stream.NORMAL_TRANSFORM, Stream.CANDIDATE_PLACE)
    assert not share_a_seed(Stream.CANDIDATE_IMAGE, Stream.CANDIDATE_TRANSFORM)
    assert first_halves_meet(Stream.LIGHT, Stream.NORMAL_PLACE)


def test_a_seed_fits_into_64_bits() -> None:
    for stream in Stream:
        largest = stream.seed(
            SEEDS - 1, STEPS - 1, Label.ANOMALY, CANDIDATES if stream.stride else 0
        )
        assert max(largest) < 1 << 63


@pytest.mark.parametrize(
    ("stream", "candidate", "expected"),
    [
        (Stream.SHIFT, 0, (9, 15)),
        (Stream.FLIP, 0, (10, 16)),
        (Stream.LIGHT, 0, (9 + LIGHT, 15 + LIGHT)),
        (Stream.FLIP_VERTICAL, 0, (9 + 2 * LIGHT, 15 + 2 * LIGHT)),
        (Stream.NORMAL_PLACE, 3, (9 + 6 * DRAW, 15)),
        (Stream.NORMAL_TRANSFORM, 3, (9 + 7 * DRAW, 15)),
        (Stream.MARKED_PLACE, 0, (9, 15)),
        (Stream.MARKED_TRANSFORM, 0, (9 + DRAW, 15)),
        (Stream.TRANSPLANT, 0, (9 + 2 * DRAW, 15)),
        (Stream.CANDIDATE_IMAGE, 0, (9, 15)),
        (Stream.CANDIDATE_PLACE, 3, (9 + 7 * DRAW, 15)),
        (Stream.CANDIDATE_TRANSFORM, 3, (9 + 8 * DRAW, 15)),
    ],
)
def test_seeds_are_those_of_earlier_versions(
    stream: Stream, candidate: int, expected: tuple[int, int]
) -> None:
    """A run that was started by an earlier version is resumed with the same batches."""
    assert stream.seed(9, 7, Label.ANOMALY, candidate) == expected


def test_nothing_else_draws_random_numbers_for_batches() -> None:
    """All draws go through `samples.py`, which takes a `Stream`."""
    drawing = re.compile(r"stateless_\w+\(|RandomIndexShuffle\(|tf\.random\.\w+\(|np\.random\.")
    modules = Path(batches.__file__).parent.glob("*.py")
    assert [path.name for path in modules if drawing.search(path.read_text())] == ["samples.py"]
