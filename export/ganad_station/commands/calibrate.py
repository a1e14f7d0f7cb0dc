"""`station.pyz calibrate`: good parts in, a new threshold into the bundle."""

import argparse
import os
import sys
from pathlib import Path
from typing import List, Optional

from ganad_station.arguments import at_least_one, share
from ganad_station.bundle import Bundle
from ganad_station.calibration import (
    DEFAULT_CONFIDENCE,
    DEFAULT_RATE,
    bounded_threshold,
    percent,
    write_calibration,
)
from ganad_station.errors import StationError
from ganad_station.images import UnreadableImageError, pictures_in
from ganad_station.inspector import Inspector
from ganad_station.printing import printable

HELP = "Set the threshold on pictures of good parts, one picture a part, without retraining."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="GOOD", help="picture or folder of good parts"
    )
    parser.add_argument(
        "--false-reject-rate",
        type=share,
        default=DEFAULT_RATE,
        metavar="SHARE",
        help="share of new good parts that may be rejected (default: %(default)s)",
    )
    parser.add_argument(
        "--confidence",
        type=share,
        default=DEFAULT_CONFIDENCE,
        metavar="SHARE",
        help="how surely that holds (default: %(default)s)",
    )
    parser.add_argument("--threads", type=at_least_one, default=1, help="threads of the runtime")


def run(arguments: argparse.Namespace) -> int:
    """Score the good parts and write the threshold; what cannot be read is named, left out."""
    # Whatever became of the last calibration, this one takes its place.
    bundle = Bundle.open(arguments.bundle, with_calibration=False)
    inspector = Inspector(bundle, arguments.threads)
    good_scores = _scores(inspector, arguments.images)
    rate, confidence = arguments.false_reject_rate, arguments.confidence
    threshold = bounded_threshold(good_scores, rate, confidence)
    write_calibration(bundle, inspector.model_name, threshold, good_scores, rate, confidence)
    above = [sum(score > t for score in good_scores) for t in (threshold, bundle.threshold)]
    print(
        f"threshold {threshold:.5f}, {above[0]} of these {len(good_scores)} pictures above it; "
        f"that of the export was {bundle.threshold:.5f}, {above[1]} above it"
    )
    print(
        f"at most {percent(rate)} of new good parts are rejected, with {percent(confidence)} "
        "confidence"
    )
    return 0


def _scores(inspector: Inspector, images: List[Path]) -> List[float]:
    given = [p for path in images for p in (pictures_in(path) if path.is_dir() else [path])]
    # A picture that counted twice would promise more than it can keep.
    paths = {os.path.realpath(str(path)): path for path in given}.values()
    found = [score for score in (_score(inspector, path) for path in paths) if score is not None]
    if not found:
        raise StationError("there are no pictures to calibrate on: name those of good parts")
    return found


def _score(inspector: Inspector, path: Path) -> Optional[float]:
    try:
        return inspector.inspect(path).score
    except UnreadableImageError as error:
        print(f"warning: left out: {printable(str(error))}", file=sys.stderr)
        return None
