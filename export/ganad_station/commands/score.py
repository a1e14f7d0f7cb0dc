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
from ganad_station.inspector import Inspection, Inspector
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


def run(arguments: argparse.Namespace) -> int:
    """Score every picture; pictures that cannot be read are named on stderr and left out."""
    inspector = Inspector(Bundle.open(arguments.bundle), arguments.threads, arguments.accept_failed)
    if arguments.heatmaps:
        arguments.heatmaps.mkdir(parents=True, exist_ok=True)
    unreadable = 0
    for number, path in enumerate(_paths(arguments.images), start=1):
        try:
            inspection = inspector.inspect(path)
        except UnreadableImageError as error:
            unreadable += 1
            print(f"error: {printable(str(error))}", file=sys.stderr)
            continue
        _report(path, inspection, arguments.json)
        if arguments.heatmaps:
            _write_heatmap(inspection, arguments.heatmaps / f"{number:05d}-{path.stem}.png")
    return USER_ERROR if unreadable else SUCCESS


def _report(path: Path, inspection: Inspection, as_json: bool) -> None:
    decision = "NG" if inspection.is_ng else "OK"
    if as_json:
        record = {"file": str(path), "score": inspection.score, "decision": decision}
        print(json.dumps(record), flush=True)
    else:
        print(f"{decision}  {inspection.score:.5f}  {printable(str(path))}", flush=True)


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
