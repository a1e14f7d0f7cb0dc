"""`ganad-tf calibrate`: the thresholds of a run and of all its bundles, on good parts."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganad_station.bundle import Bundle
from ganad_station.calibration import CALIBRATION_FILE, Calibration, set_threshold
from ganad_station.threshold import TOLERANCE_BOUND
from ganad_tf.cli.main import cli
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.evaluation.folder import score_folder
from ganad_tf.run import Run
from tests.support.programs import run_program


@pytest.fixture
def own_run(small_run: Run, bundles: dict[str, Path], tmp_path: Path) -> Run:
    """A copy of `small_run` with its bundles."""
    assert all(folder.parent == small_run.folder / "bundles" for folder in bundles.values())
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns(".lock"))
    return Run.open(folder)


def calibrate(run: Run, pictures: Path, rate: float = 0.1) -> str:
    arguments = ["calibrate", str(pictures), "--run", str(run.folder)]
    result = CliRunner().invoke(cli, [*arguments, "--false-reject-rate", str(rate)])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_run_and_all_its_bundles_are_calibrated(
    own_run: Run, good_pictures: Path, tmp_path: Path
) -> None:
    evaluated = own_run.threshold
    assert evaluated.calibrated_on == "the good pictures of validation, float model"
    output = calibrate(own_run, good_pictures)
    bundles = list((own_run.folder / "bundles").glob("[!.]*"))
    assert len(bundles) >= 3
    promise = "it promises at most 10 % false rejects with 95 % confidence"
    assert output.count(promise) == 1 + len(bundles)
    assert "left out: " in output
    for name in ("coral", "cpu", "jetson"):
        bundle = own_run.folder / "bundles" / name
        calibration = Calibration.read(bundle)
        assert calibration is not None
        assert Bundle.open(bundle).threshold == calibration.threshold
        assert str(bundle / calibration.model) in output
    score_folder(own_run, good_pictures, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["score"]]
    scores = [float(row["score"]) for row in rows]
    assert own_run.threshold.method == TOLERANCE_BOUND
    assert own_run.threshold.good_parts == len(scores)
    expected = set_threshold(scores, None, "parts", 0.1).value
    assert own_run.threshold.value == pytest.approx(expected)
    assert own_run.evaluated_threshold == evaluated
    rejected = [row["decision"] for row in rows].count("NG")
    assert rejected == sum(score > own_run.threshold.value for score in scores)
    (own_run.folder / CALIBRATION_FILE).unlink()
    assert own_run.threshold == evaluated


def test_both_programs_calibrate_a_bundle_alike(own_run: Run, good_pictures: Path) -> None:
    bundle = own_run.folder / "bundles" / "cpu"
    output = calibrate(own_run, good_pictures)
    here = Calibration.read(bundle)
    result = run_program(bundle, "calibrate", good_pictures, "--false-reject-rate", "0.1")
    assert result.returncode == 0, result.stderr
    there = Calibration.read(bundle)
    assert here is not None
    assert there is not None
    assert there._replace(time=here.time) == here
    for line in result.stdout.splitlines():
        assert line in output


def test_a_run_without_bundles_is_calibrated_for_score_and_later_exports(
    own_run: Run, good_pictures: Path
) -> None:
    shutil.rmtree(own_run.folder / "bundles")
    output = calibrate(own_run, good_pictures)
    assert str(own_run.generator_path) in output
    recorded = json.loads((own_run.folder / CALIBRATION_FILE).read_text())
    assert recorded["model"] == "generator.keras"
    assert own_run.threshold.value == recorded["threshold"]


def test_what_cannot_be_calibrated_leaves_the_thresholds(own_run: Run, good_pictures: Path) -> None:
    (good_pictures / "none").mkdir()
    command = ["calibrate", str(good_pictures / "none"), "--run", str(own_run.folder)]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 2
    assert "there are no pictures to calibrate on" in result.output
    assert not list(own_run.folder.rglob(CALIBRATION_FILE))


def test_a_calibration_of_another_model_is_refused_and_replaced(
    own_run: Run, good_pictures: Path
) -> None:
    (own_run.folder / CALIBRATION_FILE).write_text("{}")
    result = CliRunner().invoke(cli, ["score", str(good_pictures), "--run", str(own_run.folder)])
    assert result.exit_code == 2
    assert "calibration.json lacks 'threshold': calibrate again, or remove it" in result.output
    calibrate(own_run, good_pictures)
    assert own_run.threshold.method == TOLERANCE_BOUND


def test_evaluate_names_the_bundles_that_have_another_threshold(
    own_run: Run, log: pytest.LogCaptureFixture
) -> None:
    calibrated, exported = (own_run.folder / "bundles" / name for name in ("coral", "cpu"))
    Calibration.make(calibrated / "model.tflite", [0.1, 0.25], 0.5, 0.7).write(calibrated)
    in_force = f"{calibrated / CALIBRATION_FILE} is in force for that bundle: remove it"
    outdated = f"{exported} has thresholds that promise something else: export it again"
    evaluate(own_run)
    assert in_force in log.text
    assert outdated not in log.text
    evaluate(own_run, 0.2)
    assert log.text.count(in_force) == 2
    assert outdated in log.text
