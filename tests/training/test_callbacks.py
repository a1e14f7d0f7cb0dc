import dataclasses

import pytest

from ganad_tf.run import Run
from ganad_tf.training.callbacks import Bookkeeper, Progress

FIGURES = {
    "validation_auroc": 0.9,
    "validation_error_normal": 0.1,
    "validation_error_anomaly": 0.2,
}


@pytest.mark.parametrize(("checkpoint", "is_marked"), [("best", True), ("last", False)])
def test_the_best_epoch_is_marked_where_it_is_exported(
    small_run: Run, capsys: pytest.CaptureFixture, checkpoint: str, is_marked: bool
) -> None:
    train = dataclasses.replace(small_run.config.train, checkpoint=checkpoint)
    config = dataclasses.replace(small_run.config, train=train)
    bookkeeper = Bookkeeper(Run(small_run.folder, config, small_run.identity), 0)
    bookkeeper.is_best = True
    progress = Progress(bookkeeper, 2)
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    progress.on_epoch_end(0, FIGURES)
    header, line = capsys.readouterr().out.splitlines()
    assert ("(* best)" in header) == is_marked
    assert ("0.9000*" in line) == is_marked
    assert "0.9000" in line
