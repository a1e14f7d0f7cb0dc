"""What happens during a training: checkpoints and history, and a line of progress an epoch."""

import sys
import time
from typing import Any

import click
import keras
import numpy as np

from ganad_station.score import WHOLE_IMAGE, ScoreRule
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.evaluation.scoring import score_images
from ganad_tf.models.checkpoints import save_model
from ganad_tf.run import Run
from ganad_tf.system.files import write_json

VALIDATION_AUROC = "validation_auroc"


def validate(
    generator: keras.Model, validation: Split, epoch: int, rule: ScoreRule = WHOLE_IMAGE
) -> dict[str, float]:
    """Return AUROC and mean score of both sides on the validation split.

    Args:
        generator: The generator to validate.
        validation: The split.
        epoch: Number of the epoch, from 0, for the message of the error.
        rule: What a score is the mean of.

    Raises:
        UserError: If training has diverged, so that a score is not finite.
    """
    scores = score_images(generator, validation.data.images, rule)
    if not np.isfinite(scores).all():
        raise UserError(
            f"training diverged in epoch {epoch + 1}: lower the learning rate and start again"
        )
    is_anomaly = validation.is_anomaly
    return {
        VALIDATION_AUROC: auroc(is_anomaly, scores),
        "validation_error_normal": float(scores[~is_anomaly].mean()),
        "validation_error_anomaly": float(scores[is_anomaly].mean()),
    }


class Bookkeeper(keras.callbacks.Callback):
    """Validates after each epoch and writes history, best and last checkpoint.

    The last checkpoint is written last: its step count tells a resumed run which epochs of
    the history stand, and what was written after it is written again, the same.

    Args:
        run: The run to write to.
        validation: The split that the best checkpoint is chosen on.
        finished_epochs: Epochs of the history that stand.
        generator: A generator that takes the weights to validate, where the model's own is in the
            scope of a strategy, and would predict on all replicas, or of another size.

    Raises:
        UserError: If the history is damaged or lacks finished epochs.
    """

    def __init__(
        self,
        run: Run,
        validation: Split,
        finished_epochs: int,
        generator: keras.Model | None = None,
    ) -> None:
        super().__init__()
        self.run = run
        self.validation = validation
        self.generator = generator
        self.history = run.read_history()[:finished_epochs]
        if len(self.history) < finished_epochs:
            raise UserError(
                f"{run.history_path} has {len(self.history)} epochs, the checkpoint beside it "
                f"{finished_epochs}: train again"
            )
        self.is_best = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validate, then write what has to survive a kill."""
        logs = logs if logs is not None else {}
        generator = self.model.averaged_generator
        if self.generator is not None:
            self.generator.set_weights(generator.get_weights())
            generator = self.generator
        logs.update(validate(generator, self.validation, epoch, self.run.config.score.rule))
        best = max((entry[VALIDATION_AUROC] for entry in self.history), default=-1.0)
        self.history.append({"epoch": epoch + 1, **{name: float(v) for name, v in logs.items()}})
        # Of equals the later: a small split is soon told apart, and training goes on to help.
        self.is_best = logs[VALIDATION_AUROC] >= best
        if self.is_best:
            save_model(self.model, self.run.best_path)
        write_json(self.run.history_path, self.history)
        save_model(self.model, self.run.last_path)


class Progress(keras.callbacks.Callback):
    """Prints a line an epoch, and on a terminal the steps in between.

    Args:
        bookkeeper: The callback that validates; it comes first.
        epochs: Epochs of the whole training.
    """

    def __init__(self, bookkeeper: Bookkeeper, epochs: int) -> None:
        super().__init__()
        self.bookkeeper = bookkeeper
        self.epochs = epochs

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Print the head of the table."""
        self.durations: list[float] = []
        click.echo("epoch  normal error  anomaly error  validation AUROC  seconds  left  (* best)")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock of the epoch."""
        self.started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Show the step on a terminal."""
        if sys.stdout.isatty():
            click.echo(f"\r  step {batch + 1} of {self.params['steps']} ", nl=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the line of the epoch."""
        logs = logs or {}
        self.durations.append(time.monotonic() - self.started)
        # The first epoch includes the tracing of the step.
        usual = float(np.median(self.durations[1:] or self.durations))
        left = usual * (self.epochs - epoch - 1)
        mark = "*" if self.bookkeeper.is_best else " "
        start = "\r" if sys.stdout.isatty() else ""
        click.echo(
            f"{start}{epoch + 1:5d}  {logs['validation_error_normal']:12.4f}  "
            f"{logs['validation_error_anomaly']:13.4f}  {logs[VALIDATION_AUROC]:15.4f}{mark}  "
            f"{self.durations[-1]:7.1f}  {left:3.0f}s"
        )
