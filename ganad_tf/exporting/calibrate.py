"""Setting the thresholds of a run on pictures of good parts."""

from collections.abc import Sequence
from pathlib import Path

from ganad_station.commands.calibrate import (
    calibrate_bundle,
    calibrate_model,
    different_pictures,
    warn_left_out,
)
from ganad_station.manifest import MANIFEST_FILE
from ganad_station.threshold import DEFAULT_CONFIDENCE, DEFAULT_FALSE_REJECT_RATE
from ganad_tf.errors import station_errors_as_user_errors
from ganad_tf.evaluation.folder import score_pictures
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run


def calibrate(
    run: Run,
    images: Sequence[Path],
    false_reject_rate: float = DEFAULT_FALSE_REJECT_RATE,
    confidence: float = DEFAULT_CONFIDENCE,
) -> None:
    """Set the threshold of the float model of a run and of all its bundles on good parts.

    Each threshold is written as `calibration.json` beside its model: into the run folder, where
    `score`, `report` and later exports use it, and into the bundles. Pictures that cannot be read
    are left out with a warning.

    Args:
        run: An evaluated run.
        images: Pictures of good parts, one per part and none that was trained on, or folders of
            them.
        false_reject_rate: At most this fraction of new good parts is to be rejected, in (0, 1).
        confidence: The probability that this holds, in (0, 1).

    Raises:
        UserError: If the run is not evaluated or in use, a bundle cannot be used, or the pictures
            are too few for the promise.
    """
    replaced = run.evaluated_threshold
    with run.exclusively(), station_errors_as_user_errors():
        scores = _float_scores(run, different_pictures(images))
        calibrate_model(run.generator_path, scores, false_reject_rate, confidence, replaced)
        for manifest in sorted(run.folder.glob(f"bundles/[!.]*/{MANIFEST_FILE}")):
            calibrate_bundle(manifest.parent, images, false_reject_rate, confidence)


def _float_scores(run: Run, paths: Sequence[Path]) -> list[float]:
    scores = []
    for scored in score_pictures(Scorer.of(run), paths, 0.0, run.config.data.illumination):
        if scored.inspection is None:
            warn_left_out(scored.problem)
        else:
            scores.append(scored.inspection.score)
    return scores
