"""The detector: the float model of a run and the models of bundles, on pictures of any kind."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganad_tf
from ganad_station.bundle import Bundle
from ganad_station.inspector import Inspector
from ganad_tf.evaluation.scoring import Scorer
from tests.support.stations import change_manifest, set_outcome


@pytest.fixture(scope="module")
def float_detector(small_run: ganad_tf.Run) -> ganad_tf.Detector:
    return ganad_tf.Detector.load(small_run.folder)


@pytest.fixture(scope="module")
def int8_detector(bundle_folder: Path) -> ganad_tf.Detector:
    return ganad_tf.Detector.load(str(bundle_folder))


def test_a_run_scores_as_its_evaluation_does(
    small_run: ganad_tf.Run, float_detector: ganad_tf.Detector
) -> None:
    images = small_run.splits.test.data.images[:40]
    found = [result.score for result in float_detector.predict(images)]
    assert found == pytest.approx(Scorer.of(small_run).scores(images), abs=1e-7)
    assert float_detector.threshold == small_run.threshold.value
    assert float_detector.image_shape == images.shape[1:]


def test_a_bundle_scores_as_the_station_does(
    bundle_folder: Path, int8_detector: ganad_tf.Detector, part_pictures: Path
) -> None:
    inspector = Inspector(Bundle.open(bundle_folder))
    paths = sorted(part_pictures.iterdir())
    for path, result in zip(paths, int8_detector.predict(paths), strict=True):
        inspection = inspector.inspect(path)
        assert (result.score, result.is_rejected) == (inspection.score, inspection.is_ng)
        assert np.round(result.error_map * 255).astype(np.uint8).tolist() == (
            inspection.error_map.tolist()
        )


@pytest.mark.parametrize("kind", ["float_detector", "int8_detector"])
def test_a_file_its_image_and_its_pixels_get_the_same_score(
    kind: str, part_pictures: Path, request: pytest.FixtureRequest
) -> None:
    detector = request.getfixturevalue(kind)
    path = min(part_pictures.iterdir())
    with Image.open(path) as image:
        pixels = np.asarray(image)
        pictures = [path, str(path), image, pixels, pixels[..., np.newaxis]]
        scores = [detector.predict(picture).score for picture in pictures]
    assert len(set(scores)) == 1


def test_pictures_of_any_size_and_color_are_taken(int8_detector: ganad_tf.Detector) -> None:
    rng = np.random.default_rng(0)
    large = rng.integers(0, 256, (90, 50), np.uint8)
    grey = int8_detector.predict(large)
    color = int8_detector.predict(np.repeat(large[..., np.newaxis], 3, axis=2))
    assert grey.score == color.score
    assert grey.image.shape == int8_detector.image_shape


def test_several_pictures_give_a_list_in_their_order(
    float_detector: ganad_tf.Detector, part_pictures: Path
) -> None:
    paths = sorted(part_pictures.iterdir())
    results = float_detector.predict(paths)
    assert len(results) == len(paths) == 20
    alone = float_detector.predict(paths[17])
    assert results[17].score == pytest.approx(alone.score, abs=1e-7)
    assert float_detector.predict([]) == []


def test_a_prediction_says_what_and_where(
    int8_detector: ganad_tf.Detector, part_pictures: Path, tmp_path: Path
) -> None:
    result = int8_detector.predict(max(part_pictures.iterdir()))
    assert isinstance(result, ganad_tf.Prediction)
    assert result.is_rejected == (result.score > result.threshold)
    assert result.image.dtype == np.uint8
    assert result.reconstruction.dtype == result.error_map.dtype == np.float32
    error = np.abs(result.image / 255 - result.reconstruction).mean()
    assert result.score == pytest.approx(error, abs=1e-6)
    assert result.error_map.mean() == pytest.approx(result.score, abs=1e-6)
    assert f"{result.score:.5f}" in repr(result)
    result.plot().savefig(tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as plot:
        assert np.unique(np.asarray(plot)).size > 50


def test_what_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, int8_detector: ganad_tf.Detector
) -> None:
    with pytest.raises(ganad_tf.UserError, match=r"neither a run .* nor a bundle"):
        ganad_tf.Detector.load(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    for wrong in (
        tmp_path / "missing.png",
        tmp_path / "text.png",
        np.zeros((8, 8), np.float32),
        np.zeros((8, 8, 4), np.uint8),
    ):
        with pytest.raises(ganad_tf.UserError) as refusal:
            int8_detector.predict(wrong)
        assert "\n" not in str(refusal.value)


def test_a_detector_has_the_outcome_of_its_verification(
    float_detector: ganad_tf.Detector, int8_detector: ganad_tf.Detector
) -> None:
    assert float_detector.outcome is None
    assert int8_detector.outcome == "verified"


def test_a_model_that_failed_is_loaded_if_that_is_accepted(
    copied: Path, log: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in ("model.tflite", "model.onnx"):
        set_outcome(copied, model, "failed", "misses rise by 9.4 points")
    with pytest.raises(ganad_tf.UserError) as refusal:
        ganad_tf.Detector.load(copied)
    assert "failed its verification (misses rise by 9.4 points)" in str(refusal.value)
    assert "pass accept_failed=True" in str(refusal.value)
    assert "--accept-failed" not in str(refusal.value)
    detector = ganad_tf.Detector.load(copied, accept_failed=True)
    assert detector.outcome == "failed"
    (record,) = log.records
    assert record.levelname == "WARNING"
    assert "model.tflite failed its verification (misses rise" in record.getMessage()
    assert "warning" not in capsys.readouterr().err


def test_a_model_that_is_not_verified_is_loaded_with_a_warning(
    copied: Path, log: pytest.LogCaptureFixture
) -> None:
    set_outcome(copied, "model.tflite", "undecided", "8 parts a class would do")
    assert ganad_tf.Detector.load(copied).outcome == "undecided"
    change_manifest(copied, verification={})
    assert ganad_tf.Detector.load(copied).outcome is None
    first, second = (record.getMessage() for record in log.records)
    assert "model.tflite is undecided in its verification (8 parts a class" in first
    assert "model.tflite is not verified" in second


def test_a_damaged_bundle_is_refused(copied: Path) -> None:
    (copied / "model.tflite").write_bytes(b"")
    with pytest.raises(ganad_tf.UserError, match="copy the bundle again"):
        ganad_tf.Detector.load(copied)


def test_help_reads_well() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import ganad_tf; help(ganad_tf.Detector)"],
        capture_output=True,
        text=True,
        check=True,
    )
    for sentence in (
        "A trained anomaly detector, either the float model of a run or the model of a bundle.",
        "Load a detector from a run folder or a bundle folder.",
        "Score one picture or several.",
    ):
        assert sentence in done.stdout
