"""A run on pictures that are no squares, from the folder to the score of a station."""

import argparse
import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganad_tf
from ganad_station.bundle import Bundle
from ganad_station.commands import selftest
from ganad_station.errors import StationError
from ganad_station.heatmap import overlay
from ganad_station.inspector import Inspector
from ganad_station.manifest import Manifest
from ganad_tf.config import make_config
from ganad_tf.data.batches.make import paired_batches
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.evaluation.folder import score_pictures
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.exporting.export import export
from ganad_tf.exporting.verify import verify
from ganad_tf.models.checkpoints import load_checkpoint
from ganad_tf.report.report import write_report
from ganad_tf.run import Run
from ganad_tf.training.train import train
from tests.support.parts import draw_part

SIZE = (16, 32)
SHAPES = ((40, 50), (40, 80))
"""Heights and widths of the pictures; the second ones fill the image."""
BOXES = [[0, 4, 16, 24], [0, 0, 16, 32]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, rng = tmp_path_factory.mktemp("wide"), np.random.default_rng(0)
    for kind, count in (("normal", 40), ("scratch", 16)):
        (root / kind).mkdir()
        for number in range(count):
            height, width = SHAPES[number % 2]
            part = draw_part(kind, width, rng)[(width - height) // 2 :][:height]
            Image.fromarray(part).save(root / kind / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    settings = {
        "data": {
            "dataset": "folder",
            "data_dir": str(folder),
            "size": SIZE,
            "fit": "letterbox",
            "illumination": "brightness",
        },
        "loss": {"patch_size": 4},
        "train": {
            "epochs": 1,
            "width": 2,
            "passes": 8,
            "learning_rate": 3e-3,
            "averaging": 0.5,
        },
        "score": {"patch_size": 4, "patch_count": 2, "views": 2},
    }
    trained = train(make_config(settings), tmp_path_factory.mktemp("runs") / "wide")
    evaluate(trained)
    return trained


@pytest.fixture(scope="module")
def exported(run: Run) -> list[Path]:
    paths = export(run, ["cpu", "jetson"])
    verify(paths, run, max_drop=1.0)
    return paths


def test_the_run_records_height_and_width(run: Run) -> None:
    assert Run.open(run.folder).config.data.size == SIZE
    detector = load_checkpoint(run.last_path)
    assert detector.generator.input_shape[1:3] == SIZE
    assert detector.get_config()["size"] == [*SIZE]
    boxes = run.splits.test.data.boxes
    assert boxes is not None
    assert sorted(np.unique(boxes, axis=0).tolist()) == sorted(BOXES)


def test_what_is_filled_around_anomalies_is_learned_as_normal(run: Run) -> None:
    _, anomaly, region = next(iter(paired_batches(run.config, run.splits.train).dataset(0, 1)))
    for image, inside in zip(np.array(anomaly), np.array(region), strict=True):
        assert inside.mean() in (0.75, 1.0)
        assert len(np.unique(image[inside == 0])) <= 1


def test_a_station_scores_as_every_verified_file_does(
    run: Run, exported: list[Path], folder: Path
) -> None:
    for path in exported:
        bundle = Bundle.open(path.parent)
        assert bundle.manifest.input.shape == (*SIZE, 1)
        assert bundle.manifest.input.fit == "letterbox"
        (entry,) = [model for model in bundle.manifest.models if model.file == path.name]
        alone = Bundle(path.parent, dataclasses.replace(bundle.manifest, models=(entry,)))
        inspector = Inspector(alone, accept_failed=True, any_picture=True)
        assert inspector.model_name == path.name
        table = path.parent / "verification" / f"{path.name}.csv"
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(run.splits.test.data)
        for row in rows:
            inspection = inspector.inspect(folder / row["name"])
            assert inspection.score == pytest.approx(float(row["exported_score"]), abs=1e-7)
            if entry.precision == "int8":
                assert inspection.score == float(row["exported_score"])
        assert selftest.run(argparse.Namespace(bundle=path.parent, accept_failed=True)) == 0


def test_a_picture_scores_as_in_evaluation(run: Run, folder: Path) -> None:
    test = run.splits.test.data
    expected = Scorer.of(run).scores(test.images, test.boxes)
    paths = [folder / name for name in test.names.tolist()]
    data = run.config.data
    found = score_pictures(Scorer.of(run), paths, 0.5, data.illumination, fit=data.fit)
    scores = [scored.inspection.score for scored in found if scored.inspection is not None]
    assert scores == pytest.approx(expected, abs=1e-7)
    detector = ganad_tf.Detector.load(run.folder)
    predictions = detector.predict(paths)
    assert [prediction.score for prediction in predictions] == pytest.approx(expected, abs=1e-7)
    assert predictions[0].plot().axes


def test_half_a_picture_is_unlike_the_training_pictures(exported: list[Path], folder: Path) -> None:
    inspector = Inspector(Bundle.open(exported[0].parent), accept_failed=True)
    picture = folder / "normal" / "00.png"
    assert inspector.inspect(picture).problem is None
    with Image.open(picture) as whole:
        whole.crop((0, 0, 50, 10)).save(folder.parent / "half.png")
    assert "too wide for its height" in str(inspector.inspect(folder.parent / "half.png").problem)


def test_heat_maps_are_not_squashed(exported: list[Path], folder: Path) -> None:
    inspector = Inspector(Bundle.open(exported[0].parent), accept_failed=True)
    for name, (height, width) in zip(("00", "01"), SHAPES, strict=True):
        drawn = overlay(inspector.inspect(folder / "normal" / f"{name}.png"))
        assert drawn.width / 2 / drawn.height == pytest.approx(width / height, rel=0.02)


def test_the_report_can_be_written(run: Run, exported: list[Path]) -> None:
    assert write_report(run).stat().st_size > 0


def test_an_unknown_fit_is_refused(exported: list[Path], tmp_path: Path) -> None:
    text = (exported[0].parent / "manifest.json").read_text()
    assert '"fit": "letterbox"' in text
    (tmp_path / "manifest.json").write_text(text.replace('"letterbox"', '"crop"'))
    with pytest.raises(StationError, match=r"input\.fit must be stretch or letterbox or native"):
        Manifest.read(tmp_path)
    old = text.replace(',\n    "fit": "letterbox"', "")
    (tmp_path / "manifest.json").write_text(old)
    assert Manifest.read(tmp_path).input.fit == "stretch"
