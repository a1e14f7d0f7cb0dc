import dataclasses
import shutil
from pathlib import Path

import pytest

from ganad_tf.errors import UserError
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run


@pytest.mark.parametrize("rate", [-0.5, 1.0, 3.0, float("nan")])
def test_rates_out_of_range_are_refused(small_run: Run, rate: float) -> None:
    before = small_run.metrics_path.read_text()
    with pytest.raises(UserError, match="must be in"):
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
    assert run.threshold.value == evaluation.threshold == sorted(normal_scores)[-8]
    assert run.threshold.false_reject_rate == 0.3
    assert dataclasses.replace(evaluation, threshold=0.0) != evaluation
