"""Made parts in a journal, for what needs no model."""

from pathlib import Path

import numpy as np

from ganad_station.inspector import Inspection
from ganad_station.journal.records import ERROR, NG, OK, Outcome, Part, Stamp
from ganad_station.journal.writer import Journal
from ganad_station.score import WHOLE_IMAGE
from ganad_station.watching.recent_heatmaps import RecentHeatmaps
from tests.support.parts import draw_part

THRESHOLD = 0.03


def add_part(journal: Journal, score: float | None, file: str = "") -> Part:
    """Record a part as `watch` does; None is a broken picture."""
    file = file or f"part {journal.last_id() + 1}.png"
    stamp = Stamp(1000, 1_700_000_000_000_000_000 + journal.last_id())
    if score is None:
        outcome = Outcome(ERROR, None, THRESHOLD, None, f"{file} cannot be decoded (truncated)")
        return journal.record(file, stamp, outcome, lambda _: None)
    decision = NG if score > THRESHOLD else OK
    heatmaps = RecentHeatmaps(journal.path.parent)
    part = journal.record(
        file,
        stamp,
        Outcome(decision, score, THRESHOLD, 0.002, None),
        lambda part_id: heatmaps.add(part_id, _inspection(score, part_id)),
    )
    heatmaps.prune(journal)
    return part


def add_parts(folder: Path, count: int) -> None:
    """Record parts; every seventh is NG, every thirtieth broken."""
    rng = np.random.default_rng(0)
    with Journal.open(folder) as journal:
        for index in range(1, count + 1):
            score = 0.045 + 0.02 * rng.random() if index % 7 == 0 else 0.012 + 0.008 * rng.random()
            add_part(journal, None if index % 30 == 0 else float(score))


def _inspection(score: float, seed: int) -> Inspection:
    is_ng = score > THRESHOLD
    image = draw_part("scratch" if is_ng else "normal", 128, np.random.default_rng(seed))
    reconstructions = np.full((1, 128, 128, 1), 128, np.uint8)
    return Inspection(score, is_ng, image[:, :, np.newaxis], reconstructions, WHOLE_IMAGE, 0.002)
