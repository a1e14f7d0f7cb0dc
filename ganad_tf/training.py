"""Training a detector into a run folder, from the start or from where it was killed."""

import importlib.util
import logging
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ganad_tf.callbacks import Bookkeeper, Progress
from ganad_tf.checkpoints import load_checkpoint, save_model
from ganad_tf.config import RunConfig
from ganad_tf.data.batches import PairedBatches
from ganad_tf.data.sources import load_splits
from ganad_tf.data.splits import Split, Splits
from ganad_tf.errors import UserError
from ganad_tf.files import remove_leftovers
from ganad_tf.models.detector import AnomalyDetector
from ganad_tf.models.optimizer import FusedAdam
from ganad_tf.plots import plot_history
from ganad_tf.runs import Run, load_recorded_splits
from ganad_tf.sampling import training_anomalies

logger = logging.getLogger(__name__)


def train(config: RunConfig, folder: Path, tensorboard: bool = False) -> Run:
    """Train a detector from the start into a new run folder.

    Args:
        config: What to train on, and how.
        folder: The run folder to make; must not exist or be empty.
        tensorboard: Whether to write TensorBoard logs into `<folder>/tensorboard`.

    Returns:
        The finished run.

    Raises:
        UserError: If the data cannot be loaded, the folder cannot be used, or training
            diverges.
    """
    splits = load_splits(config.data, config.seed)
    run = Run.create(folder, config, splits)
    return _train_on(run, splits, tensorboard)


def resume(run: Run, tensorboard: bool = False) -> Run:
    """Go on with a run that was stopped at any moment.

    The result is that of an undisturbed run: batches, augmentation and random choices
    depend on the seed and the number of the step alone.

    Raises:
        UserError: If the data have changed, the checkpoint cannot be read, another process
            is at it, or training diverges.
    """
    splits = load_recorded_splits(run)
    return _train_on(run, splits, tensorboard)


def paired_batches(config: RunConfig, split: Split) -> PairedBatches:
    """Sample the anomalies of a train split and pair them with its normal images."""
    anomalies = training_anomalies(split, config.data, config.seed)
    return PairedBatches(split.normals, anomalies, config.train, config.seed)


def make_deterministic(seed: int) -> None:
    """Seed the initial weights and choose kernels that give the same sums every time."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def detector_options(config: RunConfig, channels: int) -> dict[str, Any]:
    """Return the arguments of `AnomalyDetector` for a configuration."""
    return {
        "size": config.data.size,
        "channels": channels,
        "width": config.train.width,
        "loss": config.loss,
        "averaging": config.train.averaging,
        "seed": config.seed,
    }


def compile_detector(detector: AnomalyDetector, config: RunConfig, steps: int) -> None:
    """Give a detector its optimizer; the learning rate falls to 0 after all `steps` an epoch."""
    schedule = keras.optimizers.schedules.CosineDecay(
        config.train.learning_rate, config.train.epochs * steps
    )
    detector.compile(optimizer=FusedAdam(schedule))


def _train_on(run: Run, splits: Splits, tensorboard: bool) -> Run:
    logger.info("run folder: %s", run.folder)
    with run.exclusively():
        remove_leftovers(run.folder)
        if not run.is_trained:
            _fit(run, splits, tensorboard)
            plot_history(run.read_history(), run.folder / "history.png")
            save_model(load_checkpoint(run.best_path).averaged_generator, run.generator_path)
    return run


def _fit(run: Run, splits: Splits, tensorboard: bool) -> None:
    config = run.config
    make_deterministic(config.seed)
    batches = paired_batches(config, splits.train)
    if run.last_path.is_file():
        detector = load_checkpoint(run.last_path)
    else:
        channels = splits.train.data.images.shape[3]
        detector = AnomalyDetector(**detector_options(config, channels))
        compile_detector(detector, config, batches.steps)
    finished_epochs = int(detector.optimizer.iterations) // batches.steps
    bookkeeper = Bookkeeper(run, splits.validation, finished_epochs)
    callbacks = [bookkeeper, Progress(bookkeeper, config.train.epochs)]
    if tensorboard:
        callbacks.append(_tensorboard(run))
    if finished_epochs < config.train.epochs:
        detector.fit(
            batches.dataset(finished_epochs, config.train.epochs),
            epochs=config.train.epochs,
            initial_epoch=finished_epochs,
            steps_per_epoch=batches.steps,
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        )


def _tensorboard(run: Run) -> keras.callbacks.TensorBoard:
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError('TensorBoard is not installed: pip install "ganad-tf[tensorboard]"')
    return keras.callbacks.TensorBoard(run.folder / "tensorboard")
