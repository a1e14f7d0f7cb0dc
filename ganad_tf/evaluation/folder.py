"""Scores of picture files under the float generator of a run."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganad_station.appearance import Appearance
from ganad_station.fitting import STRETCH, boxes_of
from ganad_station.heatmap import save_heatmap
from ganad_station.illumination import AS_TAKEN
from ganad_station.images import UnreadableImageError, pictures_in
from ganad_station.inspector import Inspection, decide
from ganad_station.journal.records import ERROR, NG, OK
from ganad_station.measurements import prepare_and_measure, shape_of
from ganad_station.pages import PagesNotice
from ganad_station.score import scores
from ganad_tf.errors import UserError
from ganad_tf.evaluation.score_table import check_format, score_table
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run

DECODERS = 2
BATCH = 16
logger = logging.getLogger(__name__)

Decoded = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""The image that the model takes, and the measurements of the picture."""


class Scored(NamedTuple):
    """The outcome of scoring a picture file.

    Attributes:
        path: Path of the file.
        inspection: Score and decision, None if the file cannot be read.
        problem: Why it cannot be read or decided, None if it is decided.
    """

    path: Path
    inspection: Inspection | None
    problem: str | None

    @property
    def score(self) -> float | None:
        """The score in [0, 1], None if the part is not decided."""
        return None if self.inspection is None or self.problem else self.inspection.score

    @property
    def decision(self) -> str | None:
        """OK, NG or ERROR, None if the file cannot be read."""
        return None if self.inspection is None else self.inspection.decision


def score_folder(
    run: Run,
    pictures: str | Path,
    table: str | Path,
    heatmaps: str | Path | None = None,
    on_scored: Callable[[int, int, Scored], None] = lambda *_: None,
    any_picture: bool = False,
) -> dict[str | None, int]:
    """Score all pictures of a folder and its subfolders, or a single picture.

    The decisions are made at the threshold of the run.

    Args:
        run: An evaluated run.
        pictures: The folder, or the file.
        table: The file to write, `.csv` or `.jsonl`, with one line per picture.
        heatmaps: Folder for `<number>-<name>.png`, the pictures with their errors in red; None to
            write none.
        on_scored: Called after each picture with its number, from 1, the number of all pictures,
            and the outcome.
        any_picture: Whether pictures that are unlike the training pictures are decided, too.

    Returns:
        The number of pictures by decision: OK, NG, ERROR for those that are unlike the training
        pictures or whose score is not a number, and None for those that cannot be read.

    Raises:
        UserError: If the run has no threshold, the folder holds no pictures, or the format of the
            table is unknown.
    """
    pictures, table = Path(pictures), Path(table)
    check_format(table)
    threshold = run.threshold.value
    folder = pictures if pictures.is_dir() else pictures.parent
    paths = list(pictures_in(pictures)) if pictures.is_dir() else [pictures]
    if not paths:
        raise UserError(f"{pictures} holds no pictures")
    if heatmaps is not None:
        Path(heatmaps).mkdir(parents=True, exist_ok=True)
    counts: dict[str | None, int] = {OK: 0, NG: 0, ERROR: 0, None: 0}
    outcomes = score_pictures(
        Scorer.of(run),
        paths,
        threshold,
        run.config.data.illumination,
        None if any_picture else run.appearance,
        run.config.data.levels,
        run.config.data.fit,
    )
    with score_table(table) as write:
        for number, scored in enumerate(outcomes, start=1):
            counts[scored.decision] += 1
            write(
                {
                    "file": scored.path.relative_to(folder).as_posix(),
                    "score": scored.score,
                    "decision": scored.decision,
                    "problem": scored.problem,
                }
            )
            if heatmaps is not None and scored.inspection is not None:
                name = f"{number:05d}-{scored.path.stem}.png"
                save_heatmap(scored.inspection, Path(heatmaps) / name)
            on_scored(number, len(paths), scored)
    return counts


def score_pictures(
    scorer: Scorer,
    paths: Iterable[Path],
    threshold: float,
    illumination: str = AS_TAKEN,
    appearance: Appearance | None = None,
    white_level: int | None = None,
    fit: str = STRETCH,
) -> Iterator[Scored]:
    """Score picture files one after another.

    Only a few pictures are in memory at a time. Two threads decode the next ones while a batch is
    scored.

    Args:
        scorer: The generator and its score rule.
        paths: The picture files to score.
        threshold: The largest score that is accepted.
        illumination: The correction of illumination, see `ganad_station.illumination.even_out`.
        appearance: What the training pictures look like; None to decide on any picture.
        white_level: The level of deep pictures that becomes 255, see
            `ganad_station.images.prepare_image`.
        fit: How pictures are fitted into images, see `ganad_station.fitting`.

    Yields:
        The outcome for each file, in order.
    """
    _, height, width, channels = scorer.generator.input_shape
    pages = PagesNotice(logger.warning)
    with ThreadPoolExecutor(DECODERS) as pool:
        form = ((height, width), channels, illumination, white_level, fit)
        decodings = ((path, pool.submit(prepare_and_measure, path, *form)) for path in paths)
        waiting = deque(islice(decodings, 2 * BATCH))
        while waiting:
            batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            waiting.extend(islice(decodings, len(batch)))
            for scored in _score_batch(scorer, batch, threshold, fit, appearance):
                if scored.inspection is not None:
                    pages.look_at(scored.path)
                yield scored


def _score_batch(
    scorer: Scorer,
    batch: list[tuple[Path, Future[Decoded]]],
    threshold: float,
    fit: str,
    appearance: Appearance | None,
) -> list[Scored]:
    start = time.perf_counter()
    decoded = [_result(decoding) for _, decoding in batch]
    readable = [found[0] for found in decoded if not isinstance(found, UnreadableImageError)]
    views = scorer.reconstruct(np.stack(readable)) if readable else None
    seconds = (time.perf_counter() - start) / len(batch)
    reconstructions = iter(() if views is None else np.moveaxis(views, 1, 0))
    outcomes = []
    for (path, _), found in zip(batch, decoded, strict=True):
        if isinstance(found, UnreadableImageError):
            outcomes.append(Scored(path, None, str(found)))
            continue
        (image, measurements), own = found, next(reconstructions)
        shape = shape_of(measurements)
        boxes = boxes_of([shape], image.shape[:2], fit)
        score = float(scores(image[np.newaxis], own[:, np.newaxis], scorer.rule, boxes)[0])
        is_ng, problem = decide(score, threshold, appearance, measurements)
        inspection = Inspection(score, is_ng, image, own, scorer.rule, seconds, problem, shape, fit)
        outcomes.append(Scored(path, inspection, problem))
    return outcomes


def _result(decoding: Future[Decoded]) -> Decoded | UnreadableImageError:
    try:
        return decoding.result()
    except UnreadableImageError as error:
        return error
