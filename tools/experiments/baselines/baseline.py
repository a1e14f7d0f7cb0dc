"""What all baselines share: a network, its moving average, and the scores of the average."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganad_station.score import to_input
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.evaluation.scoring import BATCH
from ganad_tf.models.averaging import move_average
from ganad_tf.run.history import best_epoch


class Baseline(keras.Model):
    """A network and the exponential moving average of its weights, as the detector has it.

    Subclasses have a `train_step`, and a `call` that returns the anomaly scores `(batch,)` of
    images under `averaged_network`.

    Args:
        build: Builds the network that scores.
        averaging: Decay of the moving average per step, in [0, 1).
        loss_names: Names of what `train_step` reports.
    """

    learns_from_anomalies = False

    def __init__(
        self, build: Callable[[], keras.Model], averaging: float, loss_names: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.averaging = averaging
        self.network, self.averaged_network = build(), build()
        self.averaged_network.set_weights(self.network.get_weights())
        self.averaged_network.trainable = False
        self._means = {name: keras.metrics.Mean(name=name) for name in loss_names}
        self.built = True

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The mean of each loss over the epoch."""
        return list(self._means.values())

    def finish_step(self, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Move the average after an update, and return what `train_step` reports."""
        move_average(self.averaged_network, self.network, self.averaging, self.optimizer.iterations)
        for name, value in values.items():
            self._means[name].update_state(value)
        return self.get_metrics_result()

    def score_images(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the anomaly score of each image, float64 `(count,)`; larger is worse."""
        parts = [
            self.predict_on_batch(to_input(images[start : start + BATCH]))
            for start in range(0, len(images), BATCH)
        ]
        return np.concatenate(parts).astype(np.float64)


class BestOnValidation(keras.callbacks.Callback):
    """Keeps the averaged weights of the epoch with the best validation AUROC.

    Args:
        validation: The split that decides.
    """

    def __init__(self, validation: Split) -> None:
        super().__init__()
        self.validation = validation
        self.aurocs: list[float] = []

    @property
    def best_epoch(self) -> int:
        """The best epoch, from 1."""
        return best_epoch(self.aurocs) + 1

    @property
    def best_auroc(self) -> float:
        """The validation AUROC of the best epoch."""
        return self.aurocs[self.best_epoch - 1]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validate, and keep the weights if they are the best so far."""
        scores = self.model.score_images(self.validation.data.images)
        if not np.isfinite(scores).all():
            raise UserError(f"training diverged in epoch {epoch + 1}: lower the learning rate")
        self.aurocs.append(auroc(self.validation.is_anomaly, scores))
        if self.best_epoch == epoch + 1:
            self.best_weights = self.model.averaged_network.get_weights()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the best weights."""
        self.model.averaged_network.set_weights(self.best_weights)
