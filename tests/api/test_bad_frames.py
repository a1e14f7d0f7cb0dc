"""Bad frames before three detectors: none is accepted, and good pictures are."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import ganad_tf
from ganad_station.images import fit_image
from ganad_station.measurements import measure
from ganad_tf.config import make_config
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.training.train import train
from tests.support.frames import REARRANGED, TURNED, bad_frames
from tests.support.parts import draw_color_part, draw_part

SIDE = 64
SHOWN = 8
DRAWS: dict[str, Callable[[bool, np.random.Generator], NDArray[np.uint8]]] = {
    "plates": lambda is_bad, rng: draw_part("scratch" if is_bad else "normal", SIDE, rng),
    "discs": lambda is_bad, rng: draw_color_part(is_bad, SIDE, rng),
}


@pytest.fixture(scope="module", params=[pytest.param("plates", marks=pytest.mark.slow), "discs"])
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, ganad_tf.Run]:
    """A detector of made parts, and the name of what they are."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    rng = np.random.default_rng(0)
    for kind, count in (("normal", 60), ("scratch", 16)):
        (folder / "parts" / kind).mkdir(parents=True)
        for number in range(count):
            part = DRAWS[name](kind == "scratch", rng)
            Image.fromarray(part).save(folder / "parts" / kind / f"{number}.png")
    data = {"dataset": "folder", "data_dir": str(folder / "parts"), "size": 32}
    learning = {"epochs": 2, "passes": 20, "learning_rate": 3e-3}
    run = train(make_config({"data": data, "train": learning}), folder / "run")
    evaluate(run)
    return name, run


def assert_none_is_accepted(
    detector: ganad_tf.Detector, good: list[NDArray[np.uint8]], left_out: tuple[str, ...]
) -> Counter[str]:
    """Show every kind of bad frame to a detector; return how many are told from parts."""
    frames = [bad_frames(part, seed) for seed, part in enumerate(good)]
    told: Counter[str] = Counter()
    accepted = []
    for kind in frames[0]:
        results = detector.predict([frame[kind] for frame in frames])
        told[kind] = sum(result.problem is not None for result in results)
        if kind not in left_out and not all(result.is_rejected for result in results):
            accepted.append(kind)
    assert accepted == []
    return told


def test_the_digits(small_run: ganad_tf.Run, bundle_folder: Path) -> None:
    normals = small_run.splits.test.normals[..., 0]
    detector = ganad_tf.Detector.load(bundle_folder)
    assert [result.problem for result in detector.predict(list(normals))] == [None] * len(normals)
    told = assert_none_is_accepted(detector, list(normals[:SHOWN]), TURNED)
    assert sum(count == SHOWN for count in told.values()) >= 17


def test_made_parts(trained: tuple[str, ganad_tf.Run]) -> None:
    name, run = trained
    rng = np.random.default_rng(1)
    good = [DRAWS[name](False, rng) for _ in range(SHOWN)]
    detector = ganad_tf.Detector.load(run.folder)
    # Plates are noise: they look the same from every side.
    told = assert_none_is_accepted(detector, good, REARRANGED if name == "plates" else ())
    assert sum(count == SHOWN for count in told.values()) >= 17


def test_new_good_parts_are_not_unlike_those_of_training(trained: tuple[str, ganad_tf.Run]) -> None:
    name, run = trained
    rng = np.random.default_rng(2)
    assert run.appearance is not None
    refused = 0
    for _ in range(1000):
        image = fit_image(DRAWS[name](False, rng), 32)
        (measured,) = measure(image[np.newaxis], (SIDE, SIDE))
        refused += run.appearance.problem(measured) is not None
    assert refused <= 1


def test_defective_parts_are_rejected_not_unlike(trained: tuple[str, ganad_tf.Run]) -> None:
    name, run = trained
    rng = np.random.default_rng(3)
    results = ganad_tf.Detector.load(run.folder).predict([DRAWS[name](True, rng) for _ in range(8)])
    rejected = [result for result in results if result.score > result.threshold]
    assert len(rejected) >= 6
    assert [result.problem for result in rejected] == [None] * len(rejected)
    assert all(result.is_rejected for result in results)


def test_a_prediction_says_what_is_wrong(bundle_folder: Path, tmp_path: Path) -> None:
    result = ganad_tf.Detector.load(bundle_folder).predict(np.zeros((16, 16), np.uint8))
    assert result.is_rejected
    assert str(result.problem).startswith("unlike the training pictures (too dark: 0, at least ")
    assert "too dark" in repr(result)
    result.plot().savefig(tmp_path / "result.png")
