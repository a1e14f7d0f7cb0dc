"""How well a run tells anomalies from normal images, on its test split."""

import dataclasses
from collections.abc import Collection

import keras
import numpy as np
from numpy.typing import NDArray

from ganad_station.score import ScoreRule, shown_maps
from ganad_tf.data.labeled import UNKNOWN_PIXEL
from ganad_tf.data.splits import Split
from ganad_tf.evaluation.localization import Localization, localize
from ganad_tf.evaluation.metrics import (
    Estimate,
    auroc,
    auroc_difference,
    average_precision,
    best_f1,
    bootstrap,
    fewest_parts,
    part_scores,
    proportion,
    recall_at,
    threshold_at,
)
from ganad_tf.evaluation.plots import plot_roc, plot_scores, plot_sheet
from ganad_tf.evaluation.scoring import map_errors, reconstruct, score_images
from ganad_tf.models.checkpoints import load_generator
from ganad_tf.run import Run
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import write_json

DEFAULT_FALSE_REJECT_RATE = 0.01
FALSE_REJECT_RATES = (0.0, 0.001, 0.01)
SHEET_ROWS = 4


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Figures of a scorer on a test split, each with its 95 % interval over parts.

    Attributes:
        images: Images of the split.
        parts: Parts that they show.
        auroc: Area under the ROC curve (bootstrap interval).
        auroc_of_parts: The same where a part is judged by the mean score of its pictures, None
            where each part has one.
        average_precision: Average precision, anomalies positive (bootstrap interval).
        best_f1: Largest F1 over all thresholds (bootstrap interval).
        requested_false_reject_rate: The rate that the threshold was set for.
        threshold: Scores above it are rejected; set on the normal images of validation.
        false_reject_rate: Share of the normal test images above the threshold.
        miss_rate: Share of the anomalous test images not above the threshold.
        auroc_by_kind: AUROC of each kind of anomaly by name (DeLong's interval), against all
            normal images.
        unseen_kinds: The kinds that training and validation were kept from.
        seen_auroc: AUROC of all other kinds together, None where all kinds were seen.
        unseen_auroc: AUROC of the unseen kinds together, or None.
        recall_at: Share of the anomalies found at the threshold that rejects this share of the
            normal test images, by the share (bootstrap intervals).
        localization: Figures of the error maps, smoothed over the window of the score's rule,
            against the masks, None without masks.
    """

    images: int
    parts: int
    auroc: Estimate
    auroc_of_parts: Estimate | None
    average_precision: Estimate
    best_f1: Estimate
    requested_false_reject_rate: float
    threshold: float
    false_reject_rate: Estimate
    miss_rate: Estimate
    auroc_by_kind: dict[str, Estimate]
    unseen_kinds: tuple[str, ...]
    seen_auroc: Estimate | None
    unseen_auroc: Estimate | None
    recall_at: dict[str, Estimate]
    localization: Localization | None = None


def evaluate(run: Run, false_reject_rate: float = DEFAULT_FALSE_REJECT_RATE) -> Evaluation:
    """Evaluate a finished run; writes `metrics.json`, `roc.png`, `scores.png`, `sheet.png`.

    Args:
        run: The run.
        false_reject_rate: Share of good parts that may be rejected, in [0, 1).

    Raises:
        UserError: If the rate is out of range, the run is not trained to its end, or its
            data have changed.
    """
    splits = run.splits
    prepare_execution(run.config.seed, run.config.data.trained_size)
    generator = load_generator(run.generator_path)
    rule = run.config.score.rule
    validation = score_images(generator, splits.validation.normals, rule)
    scores = score_images(generator, splits.test.data.images, rule)
    evaluation = measure(
        splits.test,
        scores,
        threshold_at(false_reject_rate, validation),
        false_reject_rate,
        run.config.data.unseen_kinds,
    )
    evaluation = dataclasses.replace(
        evaluation, localization=_localize(generator, splits.test, rule)
    )
    _draw(run, generator, splits.test, scores, evaluation)
    write_json(run.metrics_path, dataclasses.asdict(evaluation))
    return evaluation


def measure(
    test: Split,
    scores: NDArray[np.float64],
    threshold: float,
    requested_false_reject_rate: float,
    unseen_kinds: tuple[str, ...] = (),
) -> Evaluation:
    """Compute the figures of an `Evaluation` from the scores of a test split."""
    is_anomaly, parts, rejected = test.is_anomaly, test.data.groups, scores > threshold
    seen_auroc, unseen_auroc = auroc_seen_and_unseen(test, scores, unseen_kinds)
    return Evaluation(
        images=len(scores),
        parts=len(np.unique(parts)),
        auroc=bootstrap(auroc, is_anomaly, scores, parts),
        auroc_of_parts=_auroc_of_parts(is_anomaly, scores, parts),
        average_precision=bootstrap(average_precision, is_anomaly, scores, parts),
        best_f1=bootstrap(best_f1, is_anomaly, scores, parts),
        requested_false_reject_rate=requested_false_reject_rate,
        threshold=threshold,
        false_reject_rate=proportion(rejected[~is_anomaly], parts[~is_anomaly]),
        miss_rate=proportion(~rejected[is_anomaly], parts[is_anomaly]),
        auroc_by_kind=auroc_by_kind(test, scores),
        unseen_kinds=unseen_kinds,
        seen_auroc=seen_auroc,
        unseen_auroc=unseen_auroc,
        recall_at={
            f"{rate:g}": bootstrap(recall_at(rate), is_anomaly, scores, parts)
            for rate in FALSE_REJECT_RATES
        },
    )


def _auroc_of_parts(
    is_anomaly: NDArray[np.bool_], scores: NDArray[np.float64], parts: NDArray[np.int64]
) -> Estimate | None:
    sides, means, numbers = part_scores(is_anomaly, scores, parts)
    return bootstrap(auroc, sides, means, numbers) if len(means) < len(scores) else None


def _localize(generator: keras.Model, test: Split, rule: ScoreRule) -> Localization | None:
    if test.data.masks is None:
        return None
    known = np.flatnonzero(~np.any(test.data.masks == UNKNOWN_PIXEL, axis=(1, 2)))
    maps = map_errors(generator, test.data.images[known], rule)
    return localize(maps, test.data.masks[known], test.is_anomaly[known], test.data.groups[known])


def auroc_by_kind(test: Split, scores: NDArray[np.float64]) -> dict[str, Estimate]:
    """Return the AUROC of each kind of anomaly in a split by name, see `auroc_of_kinds`."""
    names = [test.data.kind_names[kind] for kind in np.unique(test.data.kinds[test.is_anomaly])]
    return {name: auroc_of_kinds(test, scores, {name}) for name in names}


def auroc_seen_and_unseen(
    test: Split, scores: NDArray[np.float64], unseen_kinds: tuple[str, ...]
) -> tuple[Estimate | None, Estimate | None]:
    """Return the AUROC of the other kinds and of the unseen ones, None where all were seen."""
    if not unseen_kinds:
        return None, None
    normal = test.data.kind_names[test.normal_kind]
    seen = set(test.data.kind_names) - {normal, *unseen_kinds}
    return auroc_of_kinds(test, scores, seen), auroc_of_kinds(test, scores, unseen_kinds)


def auroc_of_kinds(test: Split, scores: NDArray[np.float64], kinds: Collection[str]) -> Estimate:
    """Estimate the AUROC of some kinds of anomalies against all normal images of a split.

    The interval is DeLong's, which takes no resampling, see `auroc_difference`; a single part
    has no variance, and gets [0, 1].

    Args:
        test: The split.
        scores: float64 `(count,)`, larger is more anomalous.
        kinds: Names of the kinds; the split has images of at least one of them.
    """
    wanted = [kind for kind, name in enumerate(test.data.kind_names) if name in kinds]
    chosen = ~test.is_anomaly | np.isin(test.data.kinds, wanted)
    is_anomaly, scores, parts = test.is_anomaly[chosen], scores[chosen], test.data.groups[chosen]
    value = auroc(is_anomaly, scores)
    if fewest_parts(is_anomaly, parts) < 2:
        return Estimate(value, 0.0, 1.0)
    # Against a scorer to whom all images are the same, whose AUROC is 1/2 without any variance.
    gain = auroc_difference(is_anomaly, scores, np.zeros_like(scores), parts)
    return Estimate(value, max(0.0, gain.low + 0.5), min(1.0, gain.high + 0.5))


def _draw(
    run: Run,
    generator: keras.Model,
    test: Split,
    scores: NDArray[np.float64],
    evaluation: Evaluation,
) -> None:
    plot_roc(test.is_anomaly, scores, evaluation.auroc, run.folder / "roc.png")
    plot_scores(test.is_anomaly, scores, evaluation.threshold, run.folder / "scores.png")
    rows = sheet_rows(test.is_anomaly, scores, test.data.groups)
    chosen = np.concatenate([indices for _, indices in rows])
    images = test.data.images[chosen]
    rule = run.config.score.rule
    reconstructions = reconstruct(generator, images, rule.views)
    maps = shown_maps(images, reconstructions, rule)
    titles = [title for title, indices in rows for _ in indices]
    plot_sheet(images, reconstructions[0], maps, titles, scores[chosen], run.folder / "sheet.png")


def sheet_rows(
    is_anomaly: NDArray[np.bool_], scores: NDArray[np.float64], parts: NDArray[np.int64]
) -> list[tuple[str, NDArray[np.int64]]]:
    """Choose the images to show: the best and the worst of each side, as (title, indices)."""
    order = np.argsort(scores, kind="stable")
    normals, anomalies = order[~is_anomaly[order]], order[is_anomaly[order]]
    rows = [
        ("normal, best", normals),
        ("normal, worst", normals[::-1]),
        ("anomaly, best", anomalies[::-1]),
        ("anomaly, worst", anomalies),
    ]
    return [(title, first_of_parts(indices, parts)[:SHEET_ROWS]) for title, indices in rows]


def first_of_parts(indices: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave the first image of each part: further exposures of it would show nothing new.

    Args:
        indices: Indices of images, in order.
        parts: The part of every image there is.
    """
    _, first = np.unique(parts[indices], return_index=True)
    return indices[np.sort(first)]
