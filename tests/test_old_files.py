"""What ganad-tf 0.1.0 wrote still loads, and scores as it did.

`files/run-0.1.0.tar.xz` is a run on the digits (`ganad-tf train --width 2 --epochs 3`) with its
three verified bundles, as commit a335929 wrote them.
"""

import csv
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ARCHIVE = Path(__file__).parent / "files" / "run-0.1.0.tar.xz"
MODELS = (
    "coral/model.tflite",
    "cpu/model.onnx",
    "cpu/model.tflite",
    "jetson/model.onnx",
    "jetson/model_fp16.onnx",
)
STEPS_PER_EPOCH = 62
FLOAT_TOLERANCE = 1e-6
"""Sums of floating-point numbers differ in their last digits between kinds of processors."""


@pytest.fixture(scope="module")
def old_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "digits"


def read_scores(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    scores = [[float(row["float_score"]), float(row["exported_score"])] for row in rows]
    return [row["name"] for row in rows], np.array(scores)


def test_the_run_evaluates_to_the_same_figures(old_run: Path) -> None:
    from ganad_tf.evaluation.evaluate import evaluate
    from ganad_tf.run import Run

    recorded = json.loads((old_run / "metrics.json").read_text())
    evaluate(Run.open(old_run))
    found = json.loads((old_run / "metrics.json").read_text())
    # Earlier programs set the threshold as an order statistic, and had other intervals.
    assert found["threshold"] >= recorded["threshold"]
    assert figures_without_threshold(found) == pytest.approx(
        figures_without_threshold(recorded), abs=FLOAT_TOLERANCE
    )


def test_the_run_has_a_report(old_run: Path) -> None:
    from ganad_tf.report import write_report
    from ganad_tf.run import Run

    text = write_report(Run.open(old_run)).read_text()
    assert "All 5 exported files decide as the model they came from in at least 538 of 539" in text
    assert "verified (by the AUROC alone, as earlier versions did; verify it again)." in text


def figures_without_threshold(metrics: dict[str, Any]) -> dict[str, float]:
    """Return the figures that do not depend on the threshold, without intervals."""
    figures = {name: metrics[name] for name in ("auroc", "average_precision", "best_f1")}
    figures |= metrics["auroc_by_kind"]
    return {name: estimate["value"] for name, estimate in figures.items()}


def test_the_checkpoint_loads_with_its_optimizer(old_run: Path) -> None:
    from ganad_tf.models.checkpoints import load_checkpoint

    detector = load_checkpoint(old_run / "last.keras")
    history = json.loads((old_run / "history.json").read_text())
    assert int(detector.optimizer.iterations) == STEPS_PER_EPOCH * len(history)
    assert detector.generator.count_params() == detector.averaged_generator.count_params()


@pytest.mark.parametrize("name", MODELS)
def test_a_file_verifies_with_the_same_scores(old_run: Path, name: str) -> None:
    from ganad_tf.exporting.verify import verify
    from ganad_tf.run import Run

    model = old_run / "bundles" / name
    evidence = model.parent / "verification" / f"{model.name}.csv"
    names, recorded = read_scores(evidence)
    (verification,) = verify([model], Run.open(old_run))
    assert verification.is_verified
    found_names, found = read_scores(evidence)
    assert found_names == names
    is_integer = not name.endswith("fp16.onnx")
    assert np.array_equal(found[:, 1], recorded[:, 1]) or not is_integer
    assert found == pytest.approx(recorded, abs=FLOAT_TOLERANCE)


@pytest.mark.parametrize("target", ["coral", "cpu", "jetson"])
def test_a_bundle_opens_at_the_station_and_scores_its_picture(old_run: Path, target: str) -> None:
    from ganad_station.bundle import Bundle
    from ganad_station.inspector import Inspector

    folder = old_run / "bundles" / target
    stored = json.loads((folder / "manifest.json").read_text())
    inspector = Inspector(Bundle.open(folder))
    inspection = inspector.inspect(folder / stored["selftest"]["image"])
    assert inspection.score == stored["selftest"]["scores"][inspector.model_name]
    assert inspector.bundle.threshold == stored["threshold"]["value"]
