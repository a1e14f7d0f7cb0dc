"""What in a run folder does not follow from its last training or evaluation."""

import logging
from pathlib import Path

from ganad_station.calibration import CALIBRATION_FILE
from ganad_station.errors import StationError
from ganad_station.manifest import MANIFEST_FILE, Manifest
from ganad_station.threshold import Threshold
from ganad_tf.errors import UserError
from ganad_tf.run.folder import Run

logger = logging.getLogger(__name__)


def bundle_folders(run: Run) -> list[Path]:
    """Return the folders of the bundles of a run."""
    return [path.parent for path in sorted(run.folder.glob(f"bundles/[!.]*/{MANIFEST_FILE}"))]


def withdraw_evaluation(run: Run) -> None:
    """Remove the evaluation of a generator that is about to be replaced, and name its bundles.

    A calibration stays, and is refused: it records the file that it is of.
    """
    run.metrics_path.unlink(missing_ok=True)
    for folder in bundle_folders(run):
        logger.warning("%s is of the generator that is replaced now: export it again", folder)


def report_other_thresholds(run: Run) -> None:
    """Log where another threshold than the one that `evaluate` has set is in force."""
    if run.is_calibrated:
        try:
            _ = run.threshold
        except UserError as error:
            logger.warning("%s", error)
            return
        logger.warning(
            "%s sets another threshold, which is in force: remove it to use that of the evaluation",
            run.calibration_path,
        )
    for folder in bundle_folders(run):
        if (folder / CALIBRATION_FILE).is_file():
            logger.warning(
                "%s is in force for that bundle: remove it to use the exported threshold",
                folder / CALIBRATION_FILE,
            )
        elif _promises_something_else(folder, run):
            logger.warning("%s has thresholds that promise something else: export it again", folder)


def _promises_something_else(folder: Path, run: Run) -> bool:
    try:
        thresholds = Manifest.read(folder).thresholds.values()
    except StationError:
        return False
    expected = _promise(run.threshold)
    return any(_promise(threshold) != expected for threshold in thresholds)


def _promise(threshold: Threshold) -> tuple[float, float, int]:
    return threshold.requested_rate, threshold.confidence, threshold.good_parts
