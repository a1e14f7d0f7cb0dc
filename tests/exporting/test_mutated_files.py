"""What the verification says of model files with a known fault."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from ganad_station.threshold import is_rejected
from ganad_station.verification import Outcome
from ganad_tf.cli import cli
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.exporting.comparison import Verification
from ganad_tf.exporting.export import export
from ganad_tf.exporting.runtimes import open_in_all_runtimes
from ganad_tf.exporting.verify import NotFiniteError, verify
from ganad_tf.run import Run
from ganad_tf.targets.recipe import Precision, Variant
from tools.mutated_files import FAULTS, NOT_A_NUMBER, mutate, verify_mutated

CLEAR = 0.08
"""A rise of an error rate that 53 good pictures prove."""


def largest_rise(
    path: Path, found: Verification, run: Run, float_scores: NDArray[np.float64]
) -> tuple[float, int]:
    """The largest rise of an error rate, and the number of decisions that differ."""
    test = run.splits.test
    before = is_rejected(float_scores, found.threshold)
    rises, differ = [], 0
    for model in open_in_all_runtimes(path).values():
        after = is_rejected(
            model.score(test.data.images, run.config.score.rule), found.exported_threshold
        )
        for label, sign in ((False, 1), (True, -1)):
            members = test.is_anomaly == label
            rises.append(sign * (after[members].mean() - before[members].mean()))
        differ += int((before != after).sum())
    return max(rises), differ


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_what_changes_decisions_fails_and_what_does_not_passes(
    small_run: Run, bundle_folder: Path, tmp_path: Path, name: str
) -> None:
    float_scores = Scorer.of(small_run).scores(small_run.splits.test.data.images)
    outcomes = {}
    for number, (fault, *both) in enumerate(
        verify_mutated(bundle_folder / name, small_run, tmp_path)
    ):
        for kind, found in zip(("kept", "own"), both, strict=True):
            outcomes[fault, kind] = found.outcome
            path = tmp_path / f"{name.rsplit('.', maxsplit=1)[-1]}-{number}-{kind}" / name
            rise, differ = largest_rise(path, found, small_run, float_scores)
            fell = -found.difference.value
            if rise > CLEAR or fell > 0.02:
                assert found.outcome is Outcome.FAILED, (fault, kind)
                assert found.reason
            if rise > 0.02 or fell > 0.005:
                assert found.outcome is not Outcome.VERIFIED, (fault, kind)
            if not differ and abs(fell) < 0.001:
                assert found.outcome is Outcome.VERIFIED, (fault, kind)
            if found.outcome is Outcome.FAILED:
                assert rise > 0.02 or fell > 0.005, (fault, kind)
    assert outcomes["channel zeroed", "kept"] is outcomes["channel zeroed", "own"] is Outcome.FAILED
    assert outcomes["kernel scale doubled", "kept"] is Outcome.FAILED
    assert outcomes["last bias +0.03", "kept"] is Outcome.FAILED
    # Its own threshold takes out what a small shift did.
    assert outcomes["last bias +0.005", "own"] is Outcome.VERIFIED
    assert {fault for fault, _ in outcomes} == set(FAULTS)


def test_nan_in_a_weight_ends_in_one_line(
    small_run: Run, bundles: dict[str, Path], tmp_path: Path
) -> None:
    (float_tflite, float_onnx) = export(small_run, ["cpu"], Variant(Precision.FLOAT32))
    for number, path in enumerate(
        (float_tflite, float_onnx, bundles["jetson"] / "model_fp16.onnx")
    ):
        mutated = tmp_path / str(number) / path.name
        mutated.parent.mkdir()
        mutated.write_bytes(mutate(path, NOT_A_NUMBER))
        with pytest.raises(NotFiniteError, match="539 of 539 scores are not finite numbers"):
            verify([mutated], small_run)
        assert list(mutated.parent.iterdir()) == [mutated]
    result = CliRunner().invoke(cli, ["verify", str(mutated), "--run", str(small_run.folder)])
    assert result.exit_code == 3
    assert result.stderr.startswith(f"error: {mutated} failed: 539 of 539 scores")
    assert result.stderr.count("\n") == 1


def test_nan_in_an_integer_file_fails(small_run: Run, bundle_folder: Path, tmp_path: Path) -> None:
    mutated = tmp_path / "model.onnx"
    mutated.write_bytes(mutate(bundle_folder / "model.onnx", NOT_A_NUMBER))
    (found,) = verify([mutated], small_run)
    assert found.outcome is Outcome.FAILED
    assert np.isfinite(found.exported_auroc)
