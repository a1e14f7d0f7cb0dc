"""Scores of the pictures of a folder under the float generator of a run."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from ganad_station.heatmap import save_heatmap
from ganad_station.illumination import AS_TAKEN
from ganad_station.images import UnreadableImageError, pictures_in, prepare_image
from ganad_station.inspector import Inspection
from ganad_station.score import ScoreRule, scores
from ganad_tf.errors import UserError
from ganad_tf.evaluation.score_table import check_format, score_table
from ganad_tf.evaluation.scoring import reconstruct
from ganad_tf.models.checkpoints import load_generator
from ganad_tf.run import Run

DECODERS = 2
BATCH = 16


class Scored(NamedTuple):
    """What became of a picture.

    Attributes:
        path: The file.
        inspection: Its score and decision, None if it could not be read.
        problem: Why it could not, None if it could.
    """

    path: Path
    inspection: Inspection | None
    problem: str | None

    @property
    def decision(self) -> str | None:
        """OK or NG, None if it could not be read."""
        if self.inspection is None:
            return None
        return "NG" if self.inspection.is_ng else "OK"


def score_folder(
    run: Run,
    folder: Path,
    table: Path,
    heatmaps: Path | None = None,
    on_scored: Callable[[int, int, Scored], None] = lambda *_: None,
) -> dict[str | None, int]:
    """Score all pictures of a folder and its subfolders, by the threshold of the evaluation.

    Args:
        run: An evaluated run.
        folder: The pictures.
        table: The file to write, `.csv` or `.jsonl`, a picture a line.
        heatmaps: Folder for `<number>-<name>.png`, the pictures with their error in red, or None.
        on_scored: Called after each picture with its number, from 1, how many there are, and
            what became of it.

    Returns:
        How many pictures are OK, NG, and None, that is unreadable.

    Raises:
        UserError: If the run is not evaluated, the folder holds no pictures, or the name of the
            table does not say what it is.
    """
    check_format(table)
    threshold = run.threshold.value
    paths = list(pictures_in(folder))
    if not paths:
        raise UserError(f"{folder} holds no pictures")
    if heatmaps is not None:
        heatmaps.mkdir(parents=True, exist_ok=True)
    counts: dict[str | None, int] = {"OK": 0, "NG": 0, None: 0}
    generator = load_generator(run.generator_path)
    with score_table(table) as write:
        config = run.config
        found = score_pictures(
            generator, paths, config.score.rule, threshold, config.data.illumination
        )
        for number, scored in enumerate(found, start=1):
            counts[scored.decision] += 1
            score = None if scored.inspection is None else scored.inspection.score
            name = scored.path.relative_to(folder).as_posix()
            write(
                {
                    "file": name,
                    "score": score,
                    "decision": scored.decision,
                    "problem": scored.problem,
                }
            )
            if heatmaps is not None and scored.inspection is not None:
                save_heatmap(scored.inspection, heatmaps / f"{number:05d}-{scored.path.stem}.png")
            on_scored(number, len(paths), scored)
    return counts


def score_pictures(
    generator: keras.Model,
    paths: Iterable[Path],
    rule: ScoreRule,
    threshold: float,
    illumination: str = AS_TAKEN,
) -> Iterator[Scored]:
    """Score pictures one after another; a few at a time are in memory, whatever their number.

    Two threads decode the next pictures while a batch is scored.

    Args:
        generator: A model of images of one size.
        paths: The pictures.
        rule: What a score is the mean of.
        threshold: Scores above it are NG.
        illumination: What is evened out of a picture before.

    Yields:
        What became of each, in order.
    """
    _, size, _, channels = generator.input_shape
    with ThreadPoolExecutor(DECODERS) as pool:
        form = (size, channels, illumination)
        decodings = ((path, pool.submit(prepare_image, path, *form)) for path in paths)
        waiting = deque(islice(decodings, 2 * BATCH))
        while waiting:
            batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            waiting.extend(islice(decodings, len(batch)))
            yield from _score_batch(generator, batch, rule, threshold)


def _score_batch(
    generator: keras.Model,
    batch: list[tuple[Path, Future[NDArray[np.uint8]]]],
    rule: ScoreRule,
    threshold: float,
) -> list[Scored]:
    start = time.perf_counter()
    images = [_result(decoding) for _, decoding in batch]
    readable = [image for image in images if not isinstance(image, UnreadableImageError)]
    copies = reconstruct(generator, np.stack(readable), rule.views) if readable else None
    seconds = (time.perf_counter() - start) / len(batch)
    rest = iter(() if copies is None else np.moveaxis(copies, 1, 0))
    return [
        Scored(path, None, str(image))
        if isinstance(image, UnreadableImageError)
        else Scored(path, _inspect(image, next(rest), rule, threshold, seconds), None)
        for (path, _), image in zip(batch, images, strict=True)
    ]


def _result(decoding: Future[NDArray[np.uint8]]) -> NDArray[np.uint8] | UnreadableImageError:
    try:
        return decoding.result()
    except UnreadableImageError as error:
        return error


def _inspect(
    image: NDArray[np.uint8],
    copies: NDArray[np.float32],
    rule: ScoreRule,
    threshold: float,
    seconds: float,
) -> Inspection:
    score = float(scores(image[np.newaxis], copies[:, np.newaxis], rule)[0])
    return Inspection(score, not score <= threshold, image, copies, rule, seconds)
