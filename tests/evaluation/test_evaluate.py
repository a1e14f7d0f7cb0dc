import dataclasses
import shutil
from pathlib import Path

import pytest

from ganad_station.calibration import set_threshold
from ganad_tf.errors import UserError
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run
from ganad_tf.run.folder import VALIDATION_PICTURES


@pytest.mark.parametrize("rate", [-0.5, 0.0, 1.0, 3.0, float("nan")])
def test_rates_out_of_range_are_refused(small_run: Run, rate: float) -> None:
    before = small_run.metrics_path.read_text()
    with pytest.raises(UserError, match="cannot be promised"):
        evaluate(small_run, rate)
    assert small_run.metrics_path.read_text() == before


def test_a_run_that_is_not_trained_is_refused(small_run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="ganad-tf train --resume"):
        evaluate(Run(tmp_path, small_run.config, small_run.identity))


def test_the_threshold_is_recorded_for_the_run(small_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("bundles"))
    run = Run.open(folder)
    evaluation = evaluate(run, 0.3)
    normal_scores = Scorer.of(run).scores(run.splits.validation.normals)
    expected = set_threshold(normal_scores.tolist(), None, VALIDATION_PICTURES, 0.3)
    assert run.threshold == expected
    assert evaluation.threshold == sorted(normal_scores)[-4]  # 4 of 25 promise 30 %, 5 do not
    assert dataclasses.replace(evaluation, threshold=0.0) != evaluation
