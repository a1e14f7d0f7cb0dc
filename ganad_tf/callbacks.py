"""What happens during a training: checkpoints and history, and a line of progress an epoch."""

import sys
import time
from typing import Any

import click
import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from ganad_tf.checkpoints import save_model
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError
from ganad_tf.files import write_json
from ganad_tf.inference import score_images
from ganad_tf.runs import Run

VALIDATION_AUROC = "validation_auroc"


class Bookkeeper(keras.callbacks.Callback):
    """Validates after each epoch and writes history, best and last checkpoint.

    The last checkpoint is written last: its step count tells a resumed run which epochs of
    the history stand, and what was written after it is written again, the same.

    Args:
        run: The run to write to.
        validation: The split that the best checkpoint is chosen on.
        finished_epochs: Epochs of the history that stand.
    """

    def __init__(self, run: Run, validation: Split, finished_epochs: int) -> None:
        super().__init__()
        self.run = run
        self.validation = validation
        self.history = run.read_history()[:finished_epochs]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validate, then write what has to survive a kill."""
        logs = logs if logs is not None else {}
        scores = score_images(self.model.averaged_generator, self.validation.data.images)
        if not np.isfinite(scores).all():
            raise UserError(
                f"training diverged in epoch {epoch + 1}: lower train.learning_rate and start again"
            )
        is_anomaly = self.validation.is_anomaly
        logs[VALIDATION_AUROC] = float(roc_auc_score(is_anomaly, scores))
        logs["validation_error_normal"] = float(scores[~is_anomaly].mean())
        logs["validation_error_anomaly"] = float(scores[is_anomaly].mean())
        best = max((entry[VALIDATION_AUROC] for entry in self.history), default=-1.0)
        self.history.append({"epoch": epoch + 1, **{name: float(v) for name, v in logs.items()}})
        if logs[VALIDATION_AUROC] >= best:
            save_model(self.model, self.run.best_path)
        write_json(self.run.history_path, self.history)
        save_model(self.model, self.run.last_path)


class Progress(keras.callbacks.Callback):
    """Prints a line an epoch, and on a terminal the steps in between.

    Args:
        epochs: Epochs of the whole training.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Print the head of the table."""
        self.best = -1.0
        self.durations: list[float] = []
        click.echo("epoch  normal error  anomaly error  validation AUROC  seconds  left")

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
        auroc = logs[VALIDATION_AUROC]
        mark = "*" if auroc > self.best else " "
        self.best = max(self.best, auroc)
        start = "\r" if sys.stdout.isatty() else ""
        click.echo(
            f"{start}{epoch + 1:5d}  {logs['validation_error_normal']:12.4f}  "
            f"{logs['validation_error_anomaly']:13.4f}  {auroc:15.4f}{mark}  "
            f"{self.durations[-1]:7.1f}  {left:3.0f}s"
        )
