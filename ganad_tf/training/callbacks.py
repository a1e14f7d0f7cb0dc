"""Callbacks of a training: validation, checkpoints, history and progress."""

import sys
import time
from typing import Any

import click
import keras
import numpy as np

from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError
from ganad_tf.evaluation.intervals import auroc_interval
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.models.checkpoints import save_model
from ganad_tf.run import Run
from ganad_tf.run.history import (
    EPOCH,
    VALIDATION_AUROC,
    VALIDATION_AUROC_HIGH,
    VALIDATION_AUROC_LOW,
    best_epoch,
    validation_aurocs,
)
from ganad_tf.system.files import write_json


def validate(scorer: Scorer, validation: Split, epoch: int) -> dict[str, float]:
    """Return the AUROC with its interval and the mean score of each class on the validation split.

    Args:
        scorer: The generator to validate, with its score rule.
        validation: The validation split of the run.
        epoch: Index of the epoch, from 0, for the error message.

    Raises:
        UserError: If training has diverged, so that a score is not finite.
    """
    scores = scorer.scores(validation.data.images, validation.data.boxes)
    if not np.isfinite(scores).all():
        raise UserError(
            f"training diverged in epoch {epoch + 1}: lower the learning rate and start again"
        )
    is_anomaly = validation.is_anomaly
    area = auroc_interval(ScoredSplit.of(validation, scores))
    return {
        VALIDATION_AUROC: area.value,
        VALIDATION_AUROC_LOW: area.low,
        VALIDATION_AUROC_HIGH: area.high,
        "validation_error_normal": float(scores[~is_anomaly].mean()),
        "validation_error_anomaly": float(scores[is_anomaly].mean()),
    }


class Bookkeeper(keras.callbacks.Callback):
    """Validates after each epoch and writes the history, the best and the last checkpoint.

    The last checkpoint is written last: its step count determines how many epochs of the history
    are valid when a run is resumed. Whatever was written after it is written again, identically.

    Args:
        run: The run to write to; the best checkpoint is chosen on its validation split.
        finished_epochs: Number of valid epochs in the history.
        generator: A generator to validate with, which takes over the weights of the model's own.
            Needed where the latter is in the scope of a strategy, so that it would predict on all
            replicas, or takes tiles instead of images. None to validate the model's own.

    Raises:
        UserError: If the history is damaged or lacks finished epochs.
    """

    def __init__(
        self, run: Run, finished_epochs: int, generator: keras.Model | None = None
    ) -> None:
        super().__init__()
        self.run = run
        self.generator = generator
        self.history = run.read_history()[:finished_epochs]
        if len(self.history) < finished_epochs:
            raise UserError(
                f"{run.history_path} has {len(self.history)} epochs, the checkpoint beside it "
                f"{finished_epochs}: train again"
            )
        self.is_best = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validate, then write everything that is needed to resume."""
        logs = logs if logs is not None else {}
        generator = self.model.averaged_generator
        if self.generator is not None:
            self.generator.set_weights(generator.get_weights())
            generator = self.generator
        scorer = Scorer(generator, self.run.config.score.rule)
        logs.update(validate(scorer, self.run.splits.validation, epoch))
        self.history.append({EPOCH: epoch + 1, **{name: float(v) for name, v in logs.items()}})
        self.is_best = best_epoch(validation_aurocs(self.history)) == epoch
        if self.is_best:
            save_model(self.model, self.run.best_path)
        write_json(self.run.history_path, self.history)
        save_model(self.model, self.run.last_path)


class Progress(keras.callbacks.Callback):
    """Prints one line per epoch, and on a terminal also the current step.

    The best epoch so far is marked where it is the one that will be exported.

    Args:
        bookkeeper: The callback that validates; it must precede this one.
        epochs: Number of epochs of the whole training.
    """

    def __init__(self, bookkeeper: Bookkeeper, epochs: int) -> None:
        super().__init__()
        self.bookkeeper = bookkeeper
        self.epochs = epochs
        self.marks_best = bookkeeper.run.config.train.checkpoint == "best"

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Print the header of the table."""
        self.durations: list[float] = []
        legend = "  (* best)" if self.marks_best else ""
        click.echo(f"epoch  normal error  anomaly error  validation AUROC  seconds  left{legend}")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the timer of the epoch."""
        self.started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Show the current step on a terminal."""
        if sys.stdout.isatty():
            click.echo(f"\r  step {batch + 1} of {self.params['steps']} ", nl=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the line of the epoch."""
        logs = logs or {}
        self.durations.append(time.monotonic() - self.started)
        # The first epoch includes the tracing of the step.
        usual = float(np.median(self.durations[1:] or self.durations))
        left = usual * (self.epochs - epoch - 1)
        mark = "*" if self.marks_best and self.bookkeeper.is_best else " "
        start = "\r" if sys.stdout.isatty() else ""
        click.echo(
            f"{start}{epoch + 1:5d}  {logs['validation_error_normal']:12.4f}  "
            f"{logs['validation_error_anomaly']:13.4f}  {logs[VALIDATION_AUROC]:15.4f}{mark}  "
            f"{self.durations[-1]:7.1f}  {left:3.0f}s"
        )
