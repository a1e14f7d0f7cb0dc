"""Training a detector in a run folder, from the start or from where it was interrupted."""

import contextlib
import hashlib
import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ganad_tf import __version__
from ganad_tf.config import RunConfig
from ganad_tf.data.batches.make import paired_batches
from ganad_tf.data.depth import settle_levels
from ganad_tf.data.sources import load_splits
from ganad_tf.data.symmetry import settle_flips
from ganad_tf.errors import UserError
from ganad_tf.evaluation.intervals import Estimate
from ganad_tf.evaluation.plots import plot_history
from ganad_tf.evaluation.words import describe_chance, is_chance
from ganad_tf.models.checkpoints import load_checkpoint, save_model
from ganad_tf.models.detector import AnomalyDetector
from ganad_tf.models.generator import build_generator, resize_generator
from ganad_tf.models.optimizer import FusedAdam
from ganad_tf.run import Run
from ganad_tf.run.files import refuse_used_folder
from ganad_tf.run.history import VALIDATION_AUROC, VALIDATION_AUROC_HIGH, VALIDATION_AUROC_LOW
from ganad_tf.run.identity import record_splits
from ganad_tf.run.stale import withdraw_evaluation
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import remove_leftovers
from ganad_tf.training.callbacks import Bookkeeper, Progress
from ganad_tf.training.distribution import (
    check_agreement,
    distribute,
    fit_with_workers,
    is_chief,
    is_multiworker,
    replicas_of,
)

logger = logging.getLogger(__name__)


def train(
    config: RunConfig,
    folder: str | Path,
    tensorboard: bool = False,
    strategy: tf.distribute.Strategy | None = None,
) -> Run:
    """Train a detector in a new run folder.

    Args:
        config: Configuration of data, networks, losses and training.
        folder: The run folder to make; must be missing or empty.
        tensorboard: Whether to write TensorBoard logs into `<folder>/tensorboard`.
        strategy: The result of `make_strategy`: None to train on one device, or a strategy whose
            replicas train together, each on `config.train.batch_size` normal images per step.
            With several workers, only the chief writes the folder.

    Returns:
        The finished run.

    Raises:
        UserError: If the data cannot be loaded, the folder cannot be used, training diverges,
            or another worker starts with different data or settings, or stops.
    """
    if is_chief(strategy):
        refuse_used_folder(Path(folder))
    config = settle_levels(config)
    splits = load_splits(config.data, config.seed)
    config = settle_flips(config, splits.train)
    run = Run.draft(folder, config, splits, replicas_of(strategy))
    _check_agreement(run, strategy)
    if not is_chief(strategy):
        return _train_along(run, strategy)
    run.write()
    return _train_on(run, tensorboard, strategy)


def resume(
    run: Run, tensorboard: bool = False, strategy: tf.distribute.Strategy | None = None
) -> Run:
    """Continue a run that was interrupted at any time.

    The result is that of an uninterrupted run: batches, augmentation and random choices
    depend only on the seed and the number of the step.

    Args:
        run: The run. With several workers, each must be able to read its folder.
        tensorboard: Whether to write TensorBoard logs into `<folder>/tensorboard`.
        strategy: As for `train`, with the number of replicas that the run was started with.

    Raises:
        UserError: If the data or the number of replicas have changed, the checkpoint cannot be
            read, another process uses the run, training diverges, or another worker starts
            with different data or settings, or stops.
    """
    replicas = run.identity.replicas
    if replicas_of(strategy) != replicas:
        raise UserError(
            f"{run.folder} is trained by {replicas} replicas, here are {replicas_of(strategy)}: "
            "resume it with the --strategy and the devices it began with"
        )
    _check_agreement(run, strategy)
    if is_chief(strategy):
        return _train_on(run, tensorboard, strategy)
    return _train_along(run, strategy)


def detector_options(config: RunConfig, channels: int) -> dict[str, Any]:
    """Return the arguments of `AnomalyDetector` for a configuration."""
    return {
        "size": config.data.trained_size,
        "channels": channels,
        "width": config.train.width,
        "loss": config.loss,
        "averaging": config.train.averaging,
        "seed": config.seed,
    }


def compile_detector(detector: AnomalyDetector, config: RunConfig, steps: int) -> None:
    """Compile a detector with an optimizer whose learning rate falls to 0 in the last step.

    Args:
        detector: The detector to compile.
        config: Its configuration, with the learning rate and the number of epochs.
        steps: Steps per epoch.
    """
    schedule = keras.optimizers.schedules.CosineDecay(
        config.train.learning_rate, config.train.epochs * steps
    )
    detector.compile(optimizer=FusedAdam(schedule))
    # TensorFlow would trace the step twice if the first trace made the variables of the optimizer.
    detector.optimizer.build(detector.trainable_variables)


def fit(
    model: keras.Model,
    dataset: tf.data.Dataset,
    epochs: int,
    steps_per_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
    initial_epoch: int = 0,
) -> None:
    """Train a model on batches that are already shuffled, without the progress bar of Keras.

    Args:
        model: A compiled model.
        dataset: The batches of all epochs from `initial_epoch` on.
        epochs: Index of the epoch to stop before.
        steps_per_epoch: Number of batches per epoch.
        callbacks: Callbacks of Keras.
        initial_epoch: Index of the first epoch, from 0.
    """
    model.fit(
        dataset,
        epochs=epochs,
        initial_epoch=initial_epoch,
        steps_per_epoch=steps_per_epoch,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    )


def _check_agreement(run: Run, strategy: tf.distribute.Strategy | None) -> None:
    if not is_multiworker(strategy):
        return
    checkpoint = run.last_path.read_bytes() if run.last_path.is_file() else b""
    facts = (
        __version__,
        run.config.portable(),
        record_splits(run.splits),
        hashlib.sha256(checkpoint).hexdigest(),
        run.is_trained,
    )
    check_agreement(strategy, repr(facts))


def _train_on(run: Run, tensorboard: bool, strategy: tf.distribute.Strategy | None) -> Run:
    """Train in this process, which writes the run folder."""
    logger.info("run folder: %s", run.folder)
    with run.exclusively():
        remove_leftovers(run.folder)
        if not run.is_trained:
            try:
                _fit(run, tensorboard, strategy)
            except KeyboardInterrupt:
                logger.info("to continue: ganad-tf train --resume %s", run.folder)
                raise
            plot_history(run.read_history(), run.folder / "history.png")
            generator = load_checkpoint(run.chosen_path).averaged_generator
            withdraw_evaluation(run)
            save_model(resize_generator(generator, run.config.data.size), run.generator_path)
            _warn_of_chance(run)
    return run


def _warn_of_chance(run: Run) -> None:
    entry = run.chosen_entry()
    # Epochs that an earlier program trained have no interval.
    low, high = entry.get(VALIDATION_AUROC_LOW), entry.get(VALIDATION_AUROC_HIGH)
    if low is not None and high is not None:
        area = Estimate(entry[VALIDATION_AUROC], low, high)
        if is_chance(area):
            logger.warning("%s", describe_chance(area, "validation"))


def _train_along(run: Run, strategy: tf.distribute.Strategy | None) -> Run:
    """Train as a worker that is not the chief, and writes nothing."""
    logger.info("training along with the chief, which writes the run folder")
    if not run.is_trained:
        _fit(run, False, strategy)
    return run


def _fit(run: Run, tensorboard: bool, strategy: tf.distribute.Strategy | None) -> None:
    prepare_execution(run.config.seed, run.config.data.trained_size)
    batches = paired_batches(run.config, run.splits.train, replicas_of(strategy))
    with strategy.scope() if strategy else contextlib.nullcontext():
        detector = _make_or_load(run, batches.steps)
    # A mirrored variable must be converted to a tensor before it can be converted to a number.
    finished = int(tf.convert_to_tensor(detector.optimizer.iterations)) // batches.steps
    epochs = run.config.train.epochs
    callbacks = _callbacks(run, finished, tensorboard, strategy) if is_chief(strategy) else []
    if finished == epochs:
        return
    fit_epochs = fit_with_workers if is_multiworker(strategy) else fit
    dataset = distribute(batches, finished, epochs, strategy)
    fit_epochs(detector, dataset, epochs, batches.steps, callbacks, finished)


def _make_or_load(run: Run, steps: int) -> AnomalyDetector:
    if run.last_path.is_file():
        return load_checkpoint(run.last_path)
    detector = AnomalyDetector(**detector_options(run.config, _channels(run)))
    compile_detector(detector, run.config, steps)
    return detector


def _callbacks(
    run: Run,
    finished_epochs: int,
    tensorboard: bool,
    strategy: tf.distribute.Strategy | None,
) -> list[keras.callbacks.Callback]:
    config = run.config
    is_trained_apart = strategy is not None or config.data.tile is not None
    validated = (
        build_generator(config.data.size, _channels(run), config.train.width)
        if is_trained_apart
        else None
    )
    bookkeeper = Bookkeeper(run, finished_epochs, validated)
    callbacks = [bookkeeper, Progress(bookkeeper, config.train.epochs)]
    return [*callbacks, _tensorboard(run)] if tensorboard else callbacks


def _channels(run: Run) -> int:
    return run.splits.train.data.images.shape[3]


def _tensorboard(run: Run) -> keras.callbacks.TensorBoard:
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError('TensorBoard is not installed: pip install "ganad-tf[tensorboard]"')
    return keras.callbacks.TensorBoard(run.folder / "tensorboard")
