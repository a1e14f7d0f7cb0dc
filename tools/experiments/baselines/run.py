"""One baseline, trained and measured: the work of a result."""

import dataclasses
import math
import time
from typing import TYPE_CHECKING, Any

from ganad_tf import __version__
from ganad_tf.config import RunConfig
from ganad_tf.errors import UserError
from tools.experiments.detector import describe_machine

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    from numpy.typing import NDArray

    from ganad_tf.data.splits import Split, Splits
    from tools.experiments.baselines.autoencoder import Autoencoder, SkiplessAutoencoder
    from tools.experiments.baselines.baseline import Baseline, BestOnValidation
    from tools.experiments.baselines.classifier import Classifier
    from tools.experiments.baselines.ganomaly import Ganomaly

    Kind = type[Autoencoder] | type[SkiplessAutoencoder] | type[Ganomaly] | type[Classifier]

METHODS = ("autoencoder", "autoencoder-no-skips", "ganomaly", "classifier")


def run_baseline(method: str, config: RunConfig) -> dict[str, Any]:
    """Train a baseline and measure it on the test split.

    Data, split, sampled anomalies, batches, augmentation, optimizer, schedule, moving average,
    number of steps and choice of the epoch on validation are those of `ganad_tf.training.train`
    with the same configuration; its losses are not used.

    Args:
        method: One of `METHODS`.
        config: Settings of data and method.

    Returns:
        `method`; `splits` with counts and fingerprints; `float_auroc` with interval; `evaluation`
        with `auroc_by_kind`, and `seen_auroc` and `unseen_auroc` or None, as the result of a
        detector has them; `validation_auroc` of the `best_epoch`; `epochs`; trainable
        `parameters` of the network that scores; `seconds` of training beside whatever else ran.

    Raises:
        UserError: If the method is unknown or takes anomalies and there are none, the data
            cannot be loaded, or training diverges.
    """
    from ganad_tf.data.sources import load_splits
    from ganad_tf.run.identity import record_splits
    from ganad_tf.system.execution import prepare_execution
    from tools.experiments.baselines.baseline import BestOnValidation

    baselines = _baselines()
    if method not in baselines:
        raise UserError(f"unknown baseline {method!r}: choose one of {', '.join(METHODS)}")
    prepare_execution(config.seed, config.data.trained_size)
    splits = load_splits(config.data, config.seed)
    best = BestOnValidation(splits.validation)
    started = time.monotonic()
    baseline = _fit(baselines[method], config, splits, best)
    seconds = time.monotonic() - started
    scores = baseline.score_images(splits.test.data.images)
    return {
        "method": method,
        "ganad_tf": __version__,
        "splits": {name: dataclasses.asdict(r) for name, r in record_splits(splits).items()},
        **_figures(splits.test, scores, config.data.unseen_kinds),
        "validation_auroc": best.best_auroc,
        "best_epoch": best.best_epoch,
        "epochs": config.train.epochs,
        "parameters": sum(math.prod(w.shape) for w in baseline.network.trainable_weights),
        "seconds": round(seconds, 1),
        "machine": describe_machine(),
    }


def _baselines() -> dict[str, "Kind"]:
    from tools.experiments.baselines.autoencoder import Autoencoder, SkiplessAutoencoder
    from tools.experiments.baselines.classifier import Classifier
    from tools.experiments.baselines.ganomaly import Ganomaly

    return dict(zip(METHODS, (Autoencoder, SkiplessAutoencoder, Ganomaly, Classifier), strict=True))


def _fit(kind: "Kind", config: RunConfig, splits: "Splits", best: "BestOnValidation") -> "Baseline":
    from ganad_tf.training.train import compile_detector, fit

    dataset, steps = _batches(kind.learns_from_anomalies, config, splits.train)
    channels = splits.train.data.images.shape[3]
    baseline = kind(config.data.size, channels, config.train.width, config.train.averaging)
    compile_detector(baseline, config, steps)
    fit(baseline, dataset, config.train.epochs, steps, [best])
    return baseline


def _batches(
    with_anomalies: bool, config: RunConfig, train: "Split"
) -> tuple["tf.data.Dataset", int]:
    from ganad_tf.data.batches.make import paired_batches
    from ganad_tf.data.batches.paired import PairedBatches

    if not with_anomalies:
        # The order of the normal images does not depend on what they are paired with.
        batches = PairedBatches(train.normals, train.normals, config.train, config.seed)
        dataset = batches.dataset(0, config.train.epochs)
        return dataset.map(lambda normal, _: normal), batches.steps
    if config.data.anomalies == 0:
        raise UserError("a classifier takes anomalies: set data.anomalies to 1 or more")
    batches = paired_batches(config, train)
    return batches.dataset(0, config.train.epochs), batches.steps


def _figures(
    test: "Split", scores: "NDArray[np.float64]", unseen_kinds: tuple[str, ...]
) -> dict[str, Any]:
    from ganad_tf.evaluation.intervals import auroc_interval
    from ganad_tf.evaluation.measure import auroc_by_kind, auroc_seen_and_unseen
    from ganad_tf.evaluation.scored_split import ScoredSplit

    scored = ScoredSplit.of(test, scores)
    by_kind = auroc_by_kind(scored)
    seen, unseen = auroc_seen_and_unseen(scored, unseen_kinds)
    return {
        "float_auroc": dataclasses.asdict(auroc_interval(scored)),
        "evaluation": {
            "auroc_by_kind": {name: dataclasses.asdict(value) for name, value in by_kind.items()},
            "seen_auroc": seen and dataclasses.asdict(seen),
            "unseen_auroc": unseen and dataclasses.asdict(unseen),
        },
    }
