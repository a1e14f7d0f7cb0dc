"""What every data source returns: images, the kind of each, and the split it came with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNASSIGNED = ""
DEFECT_PIXEL, UNKNOWN_PIXEL = 1, 2


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Images of several kinds; one kind is normal, each of the others is a kind of anomaly.

    Attributes:
        images: uint8 `(count, size, size, channels)`, 0 to 255.
        kinds: int64 `(count,)`, indices into `kind_names`.
        kind_names: The name of each kind: a class, or a kind of defect.
        official_split: str `(count,)`, `"train"`, `"test"`, or `""` where the source
            leaves the choice open.
        names: str `(count,)`, a stable name of each image: its path, or its place in the set.
        groups: int64 `(count,)`; pictures of the same part have the same number.
        masks: uint8 `(count, size, size)`: 0, `DEFECT_PIXEL` where a mask marks a defect, and
            `UNKNOWN_PIXEL` all over an anomaly without a mask; None where no picture has one.
    """

    images: NDArray[np.uint8]
    kinds: NDArray[np.int64]
    kind_names: tuple[str, ...]
    official_split: NDArray[np.str_]
    names: NDArray[np.str_]
    groups: NDArray[np.int64]
    masks: NDArray[np.uint8] | None = None

    def take(self, indices: NDArray[np.integer]) -> "LabeledImages":
        """Return the images at `indices`, in that order."""
        return LabeledImages(
            self.images[indices],
            self.kinds[indices],
            self.kind_names,
            self.official_split[indices],
            self.names[indices],
            self.groups[indices],
            None if self.masks is None else self.masks[indices],
        )

    def __len__(self) -> int:
        return len(self.images)
