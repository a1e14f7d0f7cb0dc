"""Scores of picture files under the float generator of a run."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganad_station.heatmap import save_heatmap
from ganad_station.illumination import AS_TAKEN
from ganad_station.images import UnreadableImageError, pictures_in, prepare_image
from ganad_station.inspector import Inspection
from ganad_station.score import scores
from ganad_station.threshold import is_rejected
from ganad_tf.errors import UserError
from ganad_tf.evaluation.score_table import check_format, score_table
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run

DECODERS = 2
BATCH = 16


class Scored(NamedTuple):
    """The outcome of scoring a picture file.

    Attributes:
        path: Path of the file.
        inspection: Score and decision, None if the file cannot be read.
        problem: The reason why it cannot be read, None if it can.
    """

    path: Path
    inspection: Inspection | None
    problem: str | None

    @property
    def score(self) -> float | None:
        """The score in [0, 1], None if the file cannot be read."""
        return None if self.inspection is None else self.inspection.score

    @property
    def decision(self) -> str | None:
        """OK or NG, None if the file cannot be read."""
        if self.inspection is None:
            return None
        return "NG" if self.inspection.is_ng else "OK"


def score_folder(
    run: Run,
    pictures: str | Path,
    table: str | Path,
    heatmaps: str | Path | None = None,
    on_scored: Callable[[int, int, Scored], None] = lambda *_: None,
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

    Returns:
        The number of pictures by decision: OK, NG, and None for those that cannot be read.

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
    counts: dict[str | None, int] = {"OK": 0, "NG": 0, None: 0}
    outcomes = score_pictures(Scorer.of(run), paths, threshold, run.config.data.illumination)
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
    scorer: Scorer, paths: Iterable[Path], threshold: float, illumination: str = AS_TAKEN
) -> Iterator[Scored]:
    """Score picture files one after another.

    Only a few pictures are in memory at a time. Two threads decode the next ones while a batch is
    scored.

    Args:
        scorer: The generator and its score rule.
        paths: The picture files to score.
        threshold: The largest score that is accepted.
        illumination: The correction of illumination, see `ganad_station.illumination.even_out`.

    Yields:
        The outcome for each file, in order.
    """
    _, size, _, channels = scorer.generator.input_shape
    with ThreadPoolExecutor(DECODERS) as pool:
        form = (size, channels, illumination)
        decodings = ((path, pool.submit(prepare_image, path, *form)) for path in paths)
        waiting = deque(islice(decodings, 2 * BATCH))
        while waiting:
            batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            waiting.extend(islice(decodings, len(batch)))
            yield from _score_batch(scorer, batch, threshold)


def _score_batch(
    scorer: Scorer, batch: list[tuple[Path, Future[NDArray[np.uint8]]]], threshold: float
) -> list[Scored]:
    start = time.perf_counter()
    images = [_result(decoding) for _, decoding in batch]
    readable = [image for image in images if not isinstance(image, UnreadableImageError)]
    views = scorer.reconstruct(np.stack(readable)) if readable else None
    seconds = (time.perf_counter() - start) / len(batch)
    reconstructions = iter(() if views is None else np.moveaxis(views, 1, 0))
    outcomes = []
    for (path, _), image in zip(batch, images, strict=True):
        if isinstance(image, UnreadableImageError):
            outcomes.append(Scored(path, None, str(image)))
            continue
        own = next(reconstructions)
        score = float(scores(image[np.newaxis], own[:, np.newaxis], scorer.rule)[0])
        is_ng = bool(is_rejected(score, threshold))
        outcomes.append(
            Scored(path, Inspection(score, is_ng, image, own, scorer.rule, seconds), None)
        )
    return outcomes


def _result(decoding: Future[NDArray[np.uint8]]) -> NDArray[np.uint8] | UnreadableImageError:
    try:
        return decoding.result()
    except UnreadableImageError as error:
        return error
