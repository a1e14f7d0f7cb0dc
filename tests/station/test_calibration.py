"""Thresholds set on good parts keep what they promise on new ones."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganad_station.bundle import Bundle
from ganad_station.calibration import Calibration, largest_of_parts, set_threshold
from ganad_station.errors import StationError
from ganad_station.threshold import TOLERANCE_BOUND, Threshold, parts_needed
from tests.support.programs import assert_one_line_error, run_program


@given(st.integers(1, 3000), st.floats(0.001, 0.5), st.floats(0.5, 0.99))
def test_the_rank_is_the_largest_that_keeps_the_promise(
    count: int, rate: float, confidence: float
) -> None:
    ranks = np.arange(1, count + 1)
    kept = stats.beta.cdf(rate, ranks, count - ranks + 1) >= confidence
    clear = np.abs(stats.beta.cdf(rate, ranks, count - ranks + 1) - confidence) > 1e-9
    scores = list(range(count))
    threshold = set_threshold(scores, None, "parts", rate, confidence)
    assert threshold[2:] == (TOLERANCE_BOUND, "parts", confidence, count, rate)
    if not kept.any():
        assert count < parts_needed(rate, confidence) or not clear[0]
        assert threshold.value == count - 1
        promised = threshold.false_reject_rate
        assert promised > rate
        assert stats.beta.cdf(promised, 1, count) == pytest.approx(confidence)
    elif clear.all():
        assert threshold.value == count - ranks[kept].max()
        assert threshold.false_reject_rate == rate


@pytest.mark.parametrize("draw", ["normal", "lognormal", "uniform"])
@pytest.mark.parametrize(("count", "rate"), [(400, 0.01), (100, 0.05), (1000, 0.01)])
def test_new_parts_are_rejected_as_seldom_as_promised(draw: str, count: int, rate: float) -> None:
    rng = np.random.default_rng(0)
    distribution = {"normal": stats.norm, "lognormal": stats.lognorm(1), "uniform": stats.uniform}
    shares = []
    for _ in range(1000):
        good = getattr(rng, draw)(size=count)
        threshold = set_threshold(good.tolist(), None, "parts", rate, 0.95).value
        shares.append(distribution[draw].sf(threshold))
    # 95 % of the sets keep it; of 1000 sets, 4.6 standard deviations less are still 92 %.
    assert np.mean(np.array(shares) <= rate) > 0.92
    # It is not kept by rejecting nothing: a rank lower would break it.
    assert np.mean(shares) > rate / 10


def test_the_fewest_parts_that_are_needed() -> None:
    needed = parts_needed(0.01, 0.95)
    assert needed == 299
    for count, promised in ((needed, 0.01), (needed - 1, 1 - 0.05 ** (1 / (needed - 1)))):
        expected = Threshold(
            count - 1, pytest.approx(promised), TOLERANCE_BOUND, "parts", 0.95, count, 0.01
        )
        assert set_threshold(list(range(count)), None, "parts", 0.01, 0.95) == expected


def test_a_station_is_calibrated_on_a_day_of_good_parts(copied: Path, good_pictures: Path) -> None:
    scored = run_program(copied, "score", "--json", good_pictures)
    scores = [json.loads(line)["score"] for line in scored.stdout.splitlines()]
    result = run_program(copied, "calibrate", good_pictures, "--false-reject-rate", "0.1")
    assert result.returncode == 0, result.stderr
    assert "broken.png" in result.stderr
    promise = f"it promises at most 10 % false rejects with 95 % confidence ({len(scores)} good"
    assert promise in result.stdout
    expected = set_threshold(scores, None, "parts", 0.1, 0.95).value
    assert Bundle.open(copied).threshold == expected
    calibration = json.loads((copied / "calibration.json").read_text())
    assert calibration["good_pictures"] == len(scores)
    again = run_program(copied, "score", "--json", good_pictures)
    decisions = [json.loads(line)["decision"] for line in again.stdout.splitlines()]
    assert decisions.count("NG") == sum(score > expected for score in scores)
    assert run_program(copied, "selftest").returncode == 0


def test_what_cannot_be_calibrated_leaves_the_threshold(copied: Path, good_pictures: Path) -> None:
    before = Bundle.open(copied).threshold
    (good_pictures / "none").mkdir()
    for arguments, words in (
        ([good_pictures, "--false-reject-rate", "1"], "1 is not a number between 0 and 1"),
        ([good_pictures, "--confidence", "x"], "x is not a number between 0 and 1"),
        ([good_pictures / "none"], "no pictures to calibrate on"),
    ):
        assert_one_line_error(run_program(copied, "calibrate", *arguments), words)
    assert Bundle.open(copied).threshold == before
    assert not (copied / "calibration.json").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": "high"}, 'threshold must be a number from 0 .* not "high"'),
        ({"threshold": math.nan}, "threshold must be a number from 0 .* not NaN"),
        ({"confidence": None}, "confidence must be a number from 0 to 1, not null"),
        ({"good_pictures": 0}, "good_pictures must be an integer from 1"),
        ({"sha256": "0"}, "was made for another model.tflite, or for one that is gone"),
        ({"model": "none"}, "was made for another none, or for one that is gone"),
        ({"model": "../bundle/model.onnx"}, "was made for another ../bundle/model.onnx"),
    ],
)
def test_a_calibration_that_cannot_be_used(
    old_bundle: Path, changes: dict[str, object], message: str
) -> None:
    calibration = Calibration.make(old_bundle / "model.tflite", [0.1, 0.25], 0.5, 0.7)
    content = {**calibration._asdict(), **changes}
    (old_bundle / "calibration.json").write_text(json.dumps(content))
    with pytest.raises(StationError, match=message) as caught:
        Bundle.open(old_bundle)
    assert str(caught.value).endswith("calibrate again, or remove it")


@pytest.mark.parametrize(
    ("content", "message"), [("{", "cannot be read"), ("[]", "object"), ("{}", "lacks 'threshold'")]
)
def test_a_damaged_calibration(old_bundle: Path, content: str, message: str) -> None:
    (old_bundle / "calibration.json").write_text(content)
    with pytest.raises(StationError, match=message):
        Bundle.open(old_bundle)


def test_a_calibration_is_read_back_without_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "generator.keras").write_bytes(b"a model")
    scores = [score / 1000 for score in range(300)]
    calibration = Calibration.make(tmp_path / "generator.keras", scores, 0.01)
    assert Calibration.read(tmp_path) is None
    calibration.write(tmp_path)
    assert Calibration.read(tmp_path) == calibration
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "calibration.json",
        "generator.keras",
    ]
    threshold = calibration.to_threshold()
    assert threshold.value == calibration.threshold == 0.299
    assert threshold.method == TOLERANCE_BOUND
    assert threshold[3:] == ("pictures of good parts", 0.95, 300, 0.01)
    (tmp_path / "generator.keras").write_bytes(b"another model")
    with pytest.raises(StationError, match=r"was made for another generator\.keras"):
        Calibration.read(tmp_path)


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_scores_that_are_not_numbers_give_no_threshold(score: float) -> None:
    with pytest.raises(StationError, match="a score that is not a number"):
        set_threshold([0.1] * 400 + [score], None, "parts", 0.01)


@pytest.mark.parametrize(("rate", "confidence"), [(0, 0.95), (1, 0.95), (0.1, 1), (0.1, math.nan)])
def test_what_cannot_be_promised_is_refused(rate: float, confidence: float) -> None:
    with pytest.raises(StationError, match="cannot be promised: give a fraction above 0 and below"):
        set_threshold([0.1] * 400, None, "parts", rate, confidence)


def test_no_pictures_give_no_threshold() -> None:
    with pytest.raises(StationError, match="no good pictures to set a threshold on"):
        set_threshold([], None, "parts", 0.1)


def test_a_part_counts_once_with_its_largest_score() -> None:
    scores, parts = [0.3, 0.1, 0.5, 0.2, 0.4], [7, 7, 2, 2, 9]
    assert largest_of_parts(scores, parts) == [0.3, 0.4, 0.5]
    threshold = set_threshold(scores, parts, "parts", 0.4, 0.75)
    assert (threshold.value, threshold.good_parts) == (0.5, 3)
    assert set_threshold(scores, None, "parts", 0.4, 0.75).good_parts == 5


def test_copies_of_a_picture_promise_no_more_than_one(
    copied: Path, good_pictures: Path, tmp_path: Path
) -> None:
    picture, copies = (good_pictures / "0.png").read_bytes(), tmp_path / "copies"
    copies.mkdir()
    for number in range(60):
        (copies / f"{number}.png").write_bytes(picture)
    result = run_program(copied, "calibrate", copies)
    assert result.returncode == 0, result.stderr
    assert "60 pictures show 1 different part" in result.stdout
    assert "promises at most 95 % false rejects with 95 % confidence (1 good part" in result.stdout


def test_too_few_pictures_promise_what_they_can(copied: Path, good_pictures: Path) -> None:
    result = run_program(copied, "calibrate", good_pictures, "--false-reject-rate", "0.001")
    assert result.returncode == 0, result.stderr
    count = len(list(good_pictures.glob("*.png"))) - 1
    assert f"({count} good parts; 0.1 % takes 2995)" in result.stdout
    calibration = Calibration.read(copied)
    assert calibration is not None
    assert calibration.threshold == calibration.largest_score
    assert calibration.false_reject_rate == pytest.approx(1 - 0.05 ** (1 / count))
    assert calibration.requested_false_reject_rate == 0.001


def test_a_calibration_of_an_older_program_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"a model")
    calibration = Calibration.make(tmp_path / "model.onnx", [0.1] * 300, 0.01)
    content = calibration._asdict()
    del content["requested_false_reject_rate"]
    (tmp_path / "calibration.json").write_text(json.dumps(content))
    assert Calibration.read(tmp_path) == calibration


def test_calibrating_again_mends_a_damaged_calibration(copied: Path, good_pictures: Path) -> None:
    (copied / "calibration.json").write_text("{")
    arguments = ("calibrate", good_pictures, "--false-reject-rate", "0.1")
    assert run_program(copied, *arguments).returncode == 0
    threshold = Bundle.open(copied).threshold
    assert run_program(copied, *arguments).returncode == 0
    assert Bundle.open(copied).threshold == threshold


def test_a_model_that_was_compiled_on_the_station_can_be_calibrated(copied: Path) -> None:
    (copied / "model.engine").write_bytes(b"compiled here")
    Calibration.make(copied / "model.engine", [0.1, 0.25], 0.5, 0.7).write(copied)
    assert Bundle.open(copied).threshold == 0.25
    (copied / "model.engine").write_bytes(b"compiled anew")
    with pytest.raises(StationError, match=r"was made for another model\.engine"):
        Bundle.open(copied)


def test_a_picture_counts_once(copied: Path, good_pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(good_pictures)
    arguments = [good_pictures, good_pictures / "0.png", tmp_path / "link"]
    result = run_program(copied, "calibrate", *arguments, "--false-reject-rate", "0.1")
    assert result.returncode == 0, result.stderr
    calibration = json.loads((copied / "calibration.json").read_text())
    assert calibration["good_pictures"] == len(list(good_pictures.iterdir())) - 1


def test_an_impossible_confidence_ends() -> None:
    assert set_threshold([1.0, 2.0, 3.0], None, "parts", 0.999, 1e-17).value == 1.0
