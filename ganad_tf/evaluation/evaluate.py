"""Evaluating a trained run on its test split."""

import dataclasses
import logging

import numpy as np
from numpy.typing import NDArray

from ganad_station.calibration import set_threshold
from ganad_station.threshold import DEFAULT_CONFIDENCE, DEFAULT_FALSE_REJECT_RATE, is_rejected
from ganad_tf.data.appearance import find_unlike
from ganad_tf.data.labeled import UNKNOWN_PIXEL
from ganad_tf.data.splits import Split
from ganad_tf.errors import station_errors_as_user_errors
from ganad_tf.evaluation.examples import draw_examples
from ganad_tf.evaluation.localization import Localization, localize
from ganad_tf.evaluation.measure import Evaluation, measure
from ganad_tf.evaluation.plots import plot_roc, plot_scores
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run
from ganad_tf.run.folder import VALIDATION_PICTURES
from ganad_tf.run.stale import report_other_thresholds
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import write_json

logger = logging.getLogger(__name__)


def evaluate(
    run: Run,
    false_reject_rate: float = DEFAULT_FALSE_REJECT_RATE,
    confidence: float = DEFAULT_CONFIDENCE,
) -> Evaluation:
    """Set the threshold of a trained run and measure it on the test split.

    Writes `metrics.json`, `roc.png`, `scores.png` and `sheet.png` into the run folder. The
    threshold is recorded in `metrics.json`, see `Run.threshold`. Logs where a calibration or an
    earlier export has set another one.

    Args:
        run: The trained run to evaluate.
        false_reject_rate: At most this fraction of new good parts is to be rejected, in (0, 1);
            where validation has too few good parts, the threshold promises what they can promise.
        confidence: The probability that the promise is kept, in (0, 1).

    Raises:
        UserError: If the rate is out of range, training is not complete, the data have changed, or
            a score is not a number.
    """
    run.require_trained()
    splits = run.splits
    prepare_execution(run.config.seed, run.config.data.trained_size)
    scorer = Scorer.of(run)
    normals, test = splits.validation.normal_data, splits.test
    with station_errors_as_user_errors():
        threshold = set_threshold(
            scorer.scores(normals.images, normals.boxes).tolist(),
            normals.groups.tolist(),
            VALIDATION_PICTURES,
            false_reject_rate,
            confidence,
        )
    scored = ScoredSplit.of(test, scorer.scores(test.data.images, test.data.boxes))
    evaluation = measure(scored, threshold, run.config.data.unseen_kinds, _localize(scorer, test))
    plot_roc(scored, evaluation.auroc, run.folder / "roc.png")
    plot_scores(scored, threshold.value, run.folder / "scores.png")
    draw_examples(test, scored, scorer, run.folder / "sheet.png")
    write_json(run.metrics_path, dataclasses.asdict(evaluation))
    _report_unlike(run, is_rejected(scored.scores, threshold.value))
    report_other_thresholds(run)
    return evaluation


def _report_unlike(run: Run, is_rejected: NDArray[np.bool_]) -> None:
    """Log how many test pictures a station would refuse as unlike the training pictures."""
    test, appearance = run.splits.test, run.appearance
    unlike = None if appearance is None else find_unlike(test, appearance, is_rejected)
    if unlike is None:
        return
    anomalies = test.is_anomaly
    logger.info(
        "%d of %d good test pictures and %d of %d anomalies are unlike the training pictures: a "
        "station answers ERROR",
        np.count_nonzero(unlike & ~anomalies),
        np.count_nonzero(~anomalies),
        np.count_nonzero(unlike & anomalies),
        np.count_nonzero(anomalies),
    )


def _localize(scorer: Scorer, test: Split) -> Localization | None:
    if test.data.masks is None:
        return None
    known = np.flatnonzero(~np.any(test.data.masks == UNKNOWN_PIXEL, axis=(1, 2)))
    masked = dataclasses.replace(test, data=test.data.take(known))
    return localize(scorer.error_maps(masked.data.images), masked)
