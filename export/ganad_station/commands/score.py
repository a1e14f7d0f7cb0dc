"""`station.pyz score`: decide for each picture whether its part is OK or NG."""

import argparse
import json
import sys
from pathlib import Path
from typing import Iterator, List

from ganad_station.arguments import at_least_one
from ganad_station.bundle import Bundle
from ganad_station.errors import StationError
from ganad_station.exit_codes import SUCCESS, USER_ERROR
from ganad_station.images import IMAGE_SUFFIXES, UnreadableImageError, pictures_in
from ganad_station.inspector import ANY_PICTURE_HELP, Inspection, Inspector
from ganad_station.printing import printable

HELP = "Score pictures or folders of pictures, and decide OK or NG."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="picture or folder of pictures"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument("--heatmaps", type=Path, metavar="DIR", help="write heat maps into DIR")
    parser.add_argument(
        "--threads",
        type=at_least_one,
        default=1,
        help="threads of the runtime (default: %(default)s)",
    )
    parser.add_argument("--any-picture", action="store_true", help=ANY_PICTURE_HELP)


def run(arguments: argparse.Namespace) -> int:
    """Score every picture; pictures that cannot be read are named on stderr and left out."""
    inspector = Inspector(
        Bundle.open(arguments.bundle),
        arguments.threads,
        arguments.accept_failed,
        arguments.any_picture,
    )
    if arguments.heatmaps:
        arguments.heatmaps.mkdir(parents=True, exist_ok=True)
    undecided = 0
    for number, path in enumerate(_paths(arguments.images), start=1):
        try:
            inspection = inspector.inspect(path)
        except UnreadableImageError as error:
            undecided += 1
            print(f"error: {printable(str(error))}", file=sys.stderr)
            continue
        undecided += inspection.problem is not None
        _report(path, inspection, arguments.json)
        if arguments.heatmaps:
            _write_heatmap(inspection, arguments.heatmaps / f"{number:05d}-{path.stem}.png")
    return USER_ERROR if undecided else SUCCESS


def _report(path: Path, inspection: Inspection, as_json: bool) -> None:
    decision, problem, name = inspection.decision, inspection.problem, str(path)
    score = inspection.score if problem is None else None
    if as_json:
        record = {"file": name, "score": score, "decision": decision, "problem": problem}
        print(json.dumps(record), flush=True)
    elif problem is None:
        print(f"{decision}  {score:.5f}  {printable(name)}", flush=True)
    else:
        print(f"{decision}: {problem}  {printable(name)}", flush=True)


def _write_heatmap(inspection: Inspection, path: Path) -> None:
    from ganad_station.heatmap import save_heatmap

    save_heatmap(inspection, path)


def _paths(images: List[Path]) -> Iterator[Path]:
    for path in images:
        if not path.is_dir():
            yield path
            continue
        pictures = list(pictures_in(path))
        if not pictures:
            raise StationError(f"{path} holds no pictures ({', '.join(sorted(IMAGE_SUFFIXES))})")
        yield from pictures
