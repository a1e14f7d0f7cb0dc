"""Setting the thresholds of a run on pictures of good parts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganad_station.commands.calibrate import (
    calibrate_bundle,
    calibrate_model,
    different_files,
    warn_left_out,
)
from ganad_station.threshold import DEFAULT_CONFIDENCE, DEFAULT_FALSE_REJECT_RATE
from ganad_tf.data.near_duplicates import (
    IDENTICAL_BUT_FOR_NOISE,
    THUMBNAIL,
    fingerprints,
    group_near_duplicates,
    thumbnail,
)
from ganad_tf.errors import station_errors_as_user_errors
from ganad_tf.evaluation.folder import score_pictures
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run
from ganad_tf.run.stale import bundle_folders


def calibrate(
    run: Run,
    images: Sequence[Path],
    false_reject_rate: float = DEFAULT_FALSE_REJECT_RATE,
    confidence: float = DEFAULT_CONFIDENCE,
) -> None:
    """Set the threshold of the float model of a run and of all its bundles on good parts.

    Each threshold is written as `calibration.json` beside its model: into the run folder, where
    `score`, `report` and later exports use it, and into the bundles. Pictures that cannot be read
    or are unlike the training pictures are left out with a warning.

    Args:
        run: An evaluated run.
        images: Pictures of good parts, none of which was trained on, or folders of them. Pictures
            that are the same but for noise count once.
        false_reject_rate: At most this fraction of new good parts is to be rejected, in (0, 1);
            where the pictures are too few for it, the threshold promises what they can promise.
        confidence: The probability that this holds, in (0, 1).

    Raises:
        UserError: If the run is not evaluated or in use, a bundle cannot be used, or a score is
            not a number.
    """
    replaced = run.evaluated_threshold
    with run.exclusively(), station_errors_as_user_errors():
        scores, parts = _scores_and_parts(run, different_files(images))
        calibrate_model(
            run.generator_path,
            list(scores.values()),
            list(parts.values()),
            false_reject_rate,
            confidence,
            replaced,
        )
        for folder in bundle_folders(run):
            calibrate_bundle(
                folder,
                images,
                false_reject_rate,
                confidence,
                parts=parts,
                accept_failed=True,
            )


def _scores_and_parts(run: Run, paths: Sequence[Path]) -> tuple[dict[Path, float], dict[Path, int]]:
    """Return the score of each picture, and the number of the part that it shows."""
    scores, thumbnails = {}, []
    data, scorer = run.config.data, Scorer.of(run)
    form = (data.illumination, run.appearance, data.levels, data.fit)
    for scored in score_pictures(scorer, paths, 0.0, *form):
        if scored.inspection is None:
            warn_left_out(scored.problem)
            continue
        if scored.inspection.is_unlike:
            warn_left_out(f"{scored.path} is {scored.problem}")
            continue
        scores[scored.path] = scored.inspection.score
        image = Image.fromarray(scored.inspection.image.squeeze())
        thumbnails.append(thumbnail(np.asarray(image.convert("L"))))
    if not thumbnails:
        return {}, {}
    shapes = np.full((len(thumbnails), 2), THUMBNAIL)
    prints = fingerprints(np.stack(thumbnails))
    groups = group_near_duplicates(prints, shapes, IDENTICAL_BUT_FOR_NOISE)
    return scores, dict(zip(scores, groups.tolist(), strict=True))
