"""Training on several devices or machines at once, with the strategies of `tf.distribute`.

A replica is a device with its own copy of the networks. Each replica processes a shard of every
batch, and all make the same update, so that the result is that of one device with the whole batch.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.errors import UserError, reason
from ganad_tf.models.detector import AnomalyDetector

VARIABLE = "TF_CONFIG"
TASKS = ("chief", "worker")
REMEDY = (
    f"set {VARIABLE} in each worker as "
    '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
)
DIGEST_BYTES = 7
NODE = re.compile(r"{{.*?}} *")  # TensorFlow prints the node of its graph before the cause

logger = logging.getLogger(__name__)


def make_strategy(name: str | None) -> tf.distribute.Strategy | None:
    """Make a strategy. Call this before TensorFlow executes anything in this process.

    Args:
        name: `mirrored` for all GPUs of this machine, or its logical CPU devices if it has none;
            `multiworker` for the devices of all machines in the variable TF_CONFIG; None for a
            single device.

    Returns:
        The strategy, or None for plain training on a single device.

    Raises:
        UserError: If TF_CONFIG is missing or wrong, or its address cannot be used.
    """
    if name is None:
        return None
    strategy = {"mirrored": _mirrored, "multiworker": _multiworker}[name]()
    if strategy is None:
        logger.info("--strategy %s finds one device only: training on it alone", name)
    return strategy


def replicas_of(strategy: tf.distribute.Strategy | None) -> int:
    """Return the number of replicas that train together."""
    return 1 if strategy is None else strategy.num_replicas_in_sync


def is_multiworker(strategy: tf.distribute.Strategy | None) -> bool:
    """Return whether other processes take part in the training."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Return whether this process writes the run folder."""
    if strategy is None or not is_multiworker(strategy):
        return True
    resolver = strategy.cluster_resolver
    first = next(task for task in TASKS if task in resolver.cluster_spec().jobs)
    return (resolver.task_type, resolver.task_id) == (first, 0)


def check_agreement(strategy: tf.distribute.Strategy, facts: str) -> None:
    """Check that all workers start with the same data, settings and checkpoint.

    Args:
        strategy: The strategy of the workers.
        facts: A text that must be the same in all workers.

    Raises:
        UserError: In all workers, if the texts differ.
    """
    digest = int.from_bytes(hashlib.sha256(facts.encode()).digest()[:DIGEST_BYTES], "big")
    own = strategy.run(lambda: tf.constant([digest], tf.int64))
    if len(set(strategy.gather(own, axis=0).numpy())) > 1:
        raise UserError(
            "the workers do not start from the same: give each the same command, version, data "
            "and, to resume, run folder"
        )


def distribute(
    batches: PairedBatches,
    first_epoch: int,
    epochs: int,
    strategy: tf.distribute.Strategy | None,
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Return the batches of epochs `first_epoch` to `epochs - 1`, one shard for each replica."""
    if strategy is None:
        return batches.dataset(first_epoch, epochs)

    def serve(context: tf.distribute.InputContext) -> tf.data.Dataset:
        count = batches.replicas // context.num_input_pipelines
        first = count * context.input_pipeline_id
        return batches.dataset(first_epoch, epochs, range(first, first + count))

    return strategy.distribute_datasets_from_function(serve)


def fit_with_workers(
    detector: AnomalyDetector,
    dataset: tf.distribute.DistributedDataset,
    epochs: int,
    steps_per_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
    initial_epoch: int,
) -> None:
    """Train a detector together with other processes; `train.fit` is for a single process.

    Keras 3 has no `fit` for several workers: it averages the losses of a step over a batch axis
    that they do not have (github.com/keras-team/keras/issues/20585).

    Args:
        detector: A compiled detector that was made in the scope of the strategy.
        dataset: The batches, see `distribute`.
        epochs: Index of the epoch to stop before.
        steps_per_epoch: Number of batches per epoch.
        callbacks: Callbacks of this process; they must not wait for other processes.
        initial_epoch: Index of the first epoch, from 0.

    Raises:
        UserError: If another worker stopped.
    """
    strategy = detector.distribute_strategy

    @tf.function
    def train_step(pair: Any) -> None:
        strategy.run(detector.train_step, args=(pair,))

    listeners = keras.callbacks.CallbackList(
        list(callbacks), model=detector, epochs=epochs, steps=steps_per_epoch
    )
    pairs = iter(dataset)
    try:
        listeners.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            detector.reset_metrics()
            listeners.on_epoch_begin(epoch)
            for step in range(steps_per_epoch):
                listeners.on_train_batch_begin(step)
                train_step(next(pairs))
                listeners.on_train_batch_end(step)
            logs = {name: float(loss) for name, loss in detector.get_metrics_result().items()}
            listeners.on_epoch_end(epoch, logs)
        listeners.on_train_end()
    except tf.errors.OpError as error:
        cause = NODE.sub("", reason(error))
        raise UserError(
            f"training with the other workers broke off ({cause}): find out what stopped the first "
            "of them, then start all of them again with --resume"
        ) from None


def _mirrored() -> tf.distribute.Strategy | None:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        return None
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _multiworker() -> tf.distribute.Strategy | None:
    if _read_workers() == 1 and len(tf.config.list_physical_devices("GPU")) < 2:
        return None
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise UserError(f"the workers cannot connect ({reason(error)}): check {VARIABLE}") from None


def _read_workers() -> int:
    """Return the number of workers in TF_CONFIG, after checking it."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        raise UserError(f"--strategy multiworker needs {VARIABLE}: {REMEDY}")
    try:
        content = json.loads(text)
        cluster, task = content["cluster"], content["task"]
        kind, index = task["type"], int(task["index"])
        addresses = {kind: list(cluster[kind]) for kind in cluster}
        is_sound = (
            addresses.keys() <= set(TASKS)
            and 0 <= index < len(addresses[kind])
            and all(":" in address for listed in addresses.values() for address in listed)
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{VARIABLE} makes no sense ({reason(error)}): {REMEDY}") from None
    if not is_sound:
        raise UserError(f"{VARIABLE} makes no sense ({text}): {REMEDY}")
    return sum(map(len, addresses.values()))
