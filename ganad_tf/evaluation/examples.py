"""The examples of a test split that people look at: the best and the worst images of each class."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganad_station.score import shown_maps
from ganad_tf.data.splits import Split
from ganad_tf.evaluation.frames import frames_of
from ganad_tf.evaluation.plots import plot_sheet
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.scoring import Scorer

EXAMPLES = 4


def draw_examples(test: Split, scored: ScoredSplit, scorer: Scorer, path: Path) -> None:
    """Draw the examples with their reconstructions and error maps into a PNG file."""
    rows = choose_examples(scored)
    chosen = np.concatenate([indices for _, indices in rows])
    images = test.data.images[chosen]
    reconstructions = scorer.reconstruct(images)
    maps = shown_maps(images, reconstructions, scorer.rule)
    titles = [title for title, indices in rows for _ in indices]
    every = frames_of(test.data)
    frames = [every[index] for index in chosen.tolist()]
    plot_sheet(images, reconstructions[0], maps, frames, titles, scored.scores[chosen], path)


def choose_examples(scored: ScoredSplit) -> list[tuple[str, NDArray[np.int64]]]:
    """Choose the images of each class with the best and the worst scores, from different parts.

    Returns:
        The title of each row, and the indices of its images.
    """
    order = np.argsort(scored.scores, kind="stable")
    is_anomaly = scored.is_anomaly[order]
    normals, anomalies = order[~is_anomaly], order[is_anomaly]
    rows = [
        ("normal, best", normals),
        ("normal, worst", normals[::-1]),
        ("anomaly, best", anomalies[::-1]),
        ("anomaly, worst", anomalies),
    ]
    return [(title, first_of_parts(indices, scored.parts)[:EXAMPLES]) for title, indices in rows]


def first_of_parts(indices: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the first image of each part, since further exposures of it would show nothing new.

    Args:
        indices: int64, indices of images in some order.
        parts: int64 `(count,)`, the number of the part that each image of the split shows.
    """
    _, first = np.unique(parts[indices], return_index=True)
    return indices[np.sort(first)]
