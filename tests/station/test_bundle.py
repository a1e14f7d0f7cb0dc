import json
from pathlib import Path

import pytest

from ganad_station.bundle import Bundle
from ganad_station.calibration import Calibration
from ganad_station.errors import StationError
from ganad_station.manifest import SCHEMA_VERSION
from ganad_station.verification import Outcome
from tests.support.programs import run_program
from tests.support.stations import change_manifest, set_outcome


def test_a_whole_bundle_opens(copied: Path) -> None:
    manifest = Bundle.open(copied).manifest
    assert [model.file for model in manifest.models] == ["model.tflite", "model.onnx"]
    assert [model.precision for model in manifest.models] == ["int8", "int8"]
    assert manifest.is_verified


@pytest.mark.parametrize("name", ["model.tflite", "station.pyz", "selftest.png", "README.md"])
def test_a_flipped_bit_is_refused(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(StationError, match=rf"{name} is not the file that was verified"):
        Bundle.open(copied)


def test_a_missing_file_is_named(copied: Path) -> None:
    (copied / "model.onnx").unlink()
    with pytest.raises(StationError, match=r"model\.onnx is missing: copy"):
        Bundle.open(copied)


def test_manifests_that_cannot_be_used(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(StationError, match="is not a bundle"):
        Bundle.open(tmp_path)
    change_manifest(copied, schema_version=SCHEMA_VERSION + 1)
    with pytest.raises(
        StationError,
        match=f"version {SCHEMA_VERSION + 1}, this program reads 5 and {SCHEMA_VERSION}",
    ):
        Bundle.open(copied)
    (copied / "manifest.json").write_text("{")
    with pytest.raises(StationError, match="cannot be read"):
        Bundle.open(copied)
    (copied / "manifest.json").write_text(json.dumps({"schema_version": SCHEMA_VERSION}))
    with pytest.raises(StationError, match="lacks 'ganad_tf'"):
        Bundle.open(copied)


def test_a_bundle_is_verified_when_each_of_its_models_is(copied: Path) -> None:
    set_outcome(copied, "model.onnx", "undecided")
    manifest = Bundle.open(copied).manifest
    assert not manifest.is_verified
    assert manifest.outcome is Outcome.UNDECIDED
    set_outcome(copied, "model.tflite", "failed")
    assert Bundle.open(copied).manifest.outcome is Outcome.FAILED
    change_manifest(copied, verification={})
    assert not Bundle.open(copied).manifest.is_verified


def test_an_outcome_that_contradicts_itself_is_refused(copied: Path) -> None:
    verification = json.loads((copied / "manifest.json").read_text())["verification"]
    verification["model.onnx"]["is_verified"] = False
    change_manifest(copied, verification=verification)
    with pytest.raises(StationError, match="outcome contradicts is_verified, False"):
        Bundle.open(copied)


def test_a_model_that_failed_is_skipped_and_refused_if_there_is_no_other(copied: Path) -> None:
    set_outcome(copied, "model.tflite", "failed", "false rejects rise by 5 points")
    result = run_program(copied, "score", copied / "selftest.png")
    assert result.returncode == 0
    assert "skipped model.tflite: failed its verification (false rejects rise" in result.stderr
    assert "using model.onnx" in result.stderr
    set_outcome(copied, "model.onnx", "failed")
    for command in (("score", copied / "selftest.png"), ("selftest",), ("bench", "--count", "1")):
        result = run_program(copied, *command)
        assert result.returncode == 2
        assert result.stderr.startswith("error: no model of ")
        assert "--accept-failed takes it" in result.stderr
        assert result.stderr.count("\n") == 1
    accepted = run_program(copied, "--accept-failed", "score", copied / "selftest.png")
    assert accepted.returncode == 0
    assert "model.tflite failed its verification (false rejects rise" in accepted.stderr


def test_an_undecided_model_runs_with_a_warning(copied: Path) -> None:
    set_outcome(copied, "model.tflite", "undecided", "8 parts a class would do")
    for command in (("score", copied / "selftest.png"), ("selftest",)):
        result = run_program(copied, *command)
        assert result.returncode == 0
        assert result.stderr.count("model.tflite is undecided in its verification (8 parts a") == 1
        assert result.stderr.count("warning: ") == 1


def test_a_calibration_of_one_model_moves_with_the_other(copied: Path) -> None:
    thresholds = json.loads((copied / "manifest.json").read_text())["thresholds"]
    thresholds["model.onnx"]["value"] = thresholds["model.tflite"]["value"] + 0.01
    change_manifest(copied, thresholds=thresholds)
    bundle = Bundle.open(copied)
    assert bundle.threshold == bundle.threshold_of("model.tflite")
    assert bundle.threshold_of("model_edgetpu.tflite") == bundle.threshold
    assert bundle.threshold_of("model.onnx") == thresholds["model.onnx"]["value"]
    Calibration.make(copied / "model.tflite", [0.5] * 300, 0.01).write(copied)
    bundle = Bundle.open(copied)
    assert bundle.threshold == 0.5
    assert bundle.threshold_of("model.onnx") == pytest.approx(0.51)
