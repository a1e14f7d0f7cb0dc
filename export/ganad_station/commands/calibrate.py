"""`station.pyz calibrate`: set the threshold of a bundle on pictures of good parts."""

import argparse
import hashlib
import os
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from ganad_station.arguments import at_least_one, fraction
from ganad_station.bundle import Bundle
from ganad_station.calibration import Calibration
from ganad_station.errors import StationError
from ganad_station.exit_codes import SUCCESS
from ganad_station.images import UnreadableImageError, pictures_in
from ganad_station.inspector import ANY_PICTURE_HELP, Inspector
from ganad_station.printing import printable
from ganad_station.threshold import (
    DEFAULT_CONFIDENCE,
    DEFAULT_FALSE_REJECT_RATE,
    Threshold,
    describe_promise,
    is_rejected,
)

HELP = (
    "Set the threshold on pictures of good parts, one picture per part, without training again. "
    "It is a tolerance bound: a promise about new good parts, not a count among these. Where the "
    "pictures are too few for the rate, it is the largest score, with the promise that so many can "
    "make. Copies of a picture count once."
)
RATE_HELP = "at most this fraction of new good parts is rejected"
CONFIDENCE_HELP = "the probability that this holds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="GOOD", help="picture or folder of good parts"
    )
    parser.add_argument(
        "--false-reject-rate",
        type=fraction,
        default=DEFAULT_FALSE_REJECT_RATE,
        metavar="FRACTION",
        help=f"{RATE_HELP} (default: %(default)s)",
    )
    parser.add_argument(
        "--confidence",
        type=fraction,
        default=DEFAULT_CONFIDENCE,
        metavar="FRACTION",
        help=f"{CONFIDENCE_HELP} (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=at_least_one,
        default=1,
        help="threads of the runtime (default: %(default)s)",
    )
    parser.add_argument("--any-picture", action="store_true", help=ANY_PICTURE_HELP)


def run(arguments: argparse.Namespace) -> int:
    """Calibrate the bundle."""
    calibrate_bundle(
        arguments.bundle,
        arguments.images,
        arguments.false_reject_rate,
        arguments.confidence,
        arguments.threads,
        accept_failed=arguments.accept_failed,
        any_picture=arguments.any_picture,
    )
    return SUCCESS


def calibrate_bundle(
    folder: Path,
    images: Sequence[Path],
    false_reject_rate: float,
    confidence: float,
    threads: int = 1,
    parts: Optional[Dict[Path, int]] = None,
    accept_failed: bool = False,
    any_picture: bool = False,
) -> None:
    """Set the threshold of a bundle on pictures of good parts.

    Pictures that cannot be read, or are unlike the training pictures, are named on stderr and left
    out.

    Args:
        folder: Path of the bundle.
        images: Pictures, or folders of them.
        false_reject_rate: At most this fraction of new good parts is to be rejected, in (0, 1).
        confidence: The probability that this holds, in (0, 1).
        threads: Threads of the runtime.
        parts: The number of the part that each picture shows, by its path; None to take pictures
            for the same part if they have the same pixels.
        accept_failed: Whether a model that failed its verification is used.
        any_picture: Whether pictures that are unlike the training pictures count, too.

    Raises:
        StationError: If the bundle cannot be used, there are no pictures, or a score is not a
            number.
    """
    # The new calibration replaces the last one, even if that is damaged.
    bundle = Bundle.open(folder, with_calibration=False)
    inspector = Inspector(bundle, threads, accept_failed, any_picture)
    scores, shown = [], []
    copies: Dict[bytes, int] = {}
    for path in different_files(images):
        try:
            inspection = inspector.inspect(path)
        except UnreadableImageError as error:
            warn_left_out(error)
            continue
        if inspection.is_unlike:
            warn_left_out(f"{path} is {inspection.problem}")
            continue
        scores.append(inspection.score)
        first = copies.setdefault(pixels_digest(inspection.image), len(copies))
        shown.append(first if parts is None else parts[path])
    calibrate_model(
        folder / inspector.model_name,
        scores,
        shown,
        false_reject_rate,
        confidence,
        bundle.manifest.thresholds[bundle.manifest.exported_name(inspector.model_name)],
    )


def calibrate_model(
    model_path: Path,
    good_scores: Sequence[float],
    parts: Sequence[int],
    false_reject_rate: float,
    confidence: float,
    replaced: Threshold,
) -> None:
    """Set the threshold of a model, write it beside the model and print it.

    Args:
        model_path: The model file that the scores are of.
        good_scores: The scores of pictures of good parts.
        parts: The number of the part that each picture shows.
        false_reject_rate: At most this fraction of new good parts is to be rejected, in (0, 1).
        confidence: The probability that this holds, in (0, 1).
        replaced: The threshold that the new one replaces, for comparison.

    Raises:
        StationError: If there are no scores, or a score is not a number.
    """
    calibration = Calibration.make(model_path, good_scores, false_reject_rate, confidence, parts)
    calibration.write(model_path.parent)
    rejected, rejected_before = (
        int(np.count_nonzero(is_rejected(np.asarray(good_scores), value)))
        for value in (calibration.threshold, replaced.value)
    )
    print(
        f"threshold {calibration.threshold:.5f} for {printable(str(model_path))}, "
        f"{rejected} of these {len(good_scores)} pictures above it; it replaces "
        f"{replaced.value:.5f}, set on {replaced.calibrated_on}, {rejected_before} above it"
    )
    if calibration.good_pictures < len(good_scores):
        print(
            f"{len(good_scores)} pictures show {calibration.good_pictures} different parts: copies "
            "count once"
        )
    print(f"it {describe_promise(calibration.to_threshold())}")


def different_files(images: Sequence[Path]) -> List[Path]:
    """Return pictures, and those in folders, each file once.

    Raises:
        StationError: If there are none.
    """
    found = [p for path in images for p in (pictures_in(path) if path.is_dir() else [path])]
    paths = list({os.path.realpath(str(path)): path for path in found}.values())
    if not paths:
        raise StationError("there are no pictures to calibrate on: name those of good parts")
    return paths


def warn_left_out(problem: object) -> None:
    """Name a picture that cannot be read."""
    print(f"warning: left out: {printable(str(problem))}", file=sys.stderr)


def pixels_digest(image: np.ndarray) -> bytes:
    """Return the SHA-256 of the pixels of an image; pictures that share it are copies."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest()
