"""The scores of the images of a split, with what is known of each image."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ganad_tf.data.splits import Split

UNNAMED_KINDS = ("normal", "anomaly")


@dataclass(frozen=True, eq=False)
class ScoredSplit:
    """The scores of images, with their labels, parts and kinds.

    Images of the same part are similar, and so are their scores; statistics therefore treat parts,
    not images, as the independent samples.

    Attributes:
        is_anomaly: bool `(count,)`, the label of each image.
        scores: float64 `(count,)`, the anomaly score of each image; larger is more anomalous.
        parts: int64 `(count,)`, the number of the part that each image shows, from 0.
        kinds: int64 `(count,)`, the kind of each image as an index into `kind_names`.
        kind_names: The name of each kind: a class, or a kind of defect.
    """

    is_anomaly: NDArray[np.bool_]
    scores: NDArray[np.float64]
    parts: NDArray[np.int64]
    kinds: NDArray[np.int64]
    kind_names: tuple[str, ...]

    @classmethod
    def of(cls, split: Split, scores: NDArray[np.float64]) -> "ScoredSplit":
        """Combine a split with the score of each of its images."""
        data = split.data
        return cls(split.is_anomaly, scores, data.groups, data.kinds, data.kind_names)

    @classmethod
    def of_labels(
        cls,
        is_anomaly: NDArray[np.bool_],
        scores: NDArray[np.float64],
        parts: NDArray[np.int64],
    ) -> "ScoredSplit":
        """Combine scores with labels and parts only, without kinds of anomalies."""
        return cls(is_anomaly, scores, parts, is_anomaly.astype(np.int64), UNNAMED_KINDS)

    def with_scores(self, scores: NDArray[np.float64]) -> "ScoredSplit":
        """Return the same images with other scores."""
        return replace(self, scores=scores)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.integer]) -> "ScoredSplit":
        """Return the images that a mask or an array of indices selects."""
        return replace(
            self,
            is_anomaly=self.is_anomaly[chosen],
            scores=self.scores[chosen],
            parts=self.parts[chosen],
            kinds=self.kinds[chosen],
        )

    def with_anomalies_of(self, names: Collection[str]) -> "ScoredSplit":
        """Return all normal images and the anomalies of some kinds."""
        wanted = [kind for kind, name in enumerate(self.kind_names) if name in names]
        return self.take(~self.is_anomaly | np.isin(self.kinds, wanted))

    def average_by_part(self) -> "ScoredSplit":
        """Average the scores of each part over its images, so that each part gets one decision.

        A part with normal and anomalous images counts once in each class, with the mean score of
        its images in that class.
        """
        entries, entry = np.unique(
            np.stack([self.parts, self.is_anomaly]), axis=1, return_inverse=True
        )
        numbers, labels = entries
        means = np.bincount(entry, self.scores) / np.bincount(entry)
        return self.of_labels(labels.astype(np.bool_), means, numbers)

    @property
    def anomaly_kinds(self) -> list[str]:
        """The names of the kinds of anomalies that have images."""
        return [self.kind_names[kind] for kind in np.unique(self.kinds[self.is_anomaly])]

    @property
    def fewest_parts(self) -> int:
        """The number of parts in the smaller of the two classes."""
        return min(self.parts_by_class)

    @property
    def parts_by_class(self) -> tuple[int, int]:
        """The number of parts with normal images, and the number of those with anomalies."""
        normal, anomalous = (
            int(np.count_nonzero(np.bincount(self.parts[members])))
            for members in (~self.is_anomaly, self.is_anomaly)
        )
        return normal, anomalous

    def __len__(self) -> int:
        return len(self.scores)
