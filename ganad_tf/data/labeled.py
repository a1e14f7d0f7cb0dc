"""The images that every data source returns, with their kinds and prescribed splits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNASSIGNED = ""
"""The split of images whose source prescribes none."""
DEFECT_PIXEL, UNKNOWN_PIXEL = 1, 2
"""Levels of masks, see `LabeledImages.masks`."""


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Images of several kinds, one of which is normal; all others are kinds of anomalies.

    Attributes:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        kinds: int64 `(count,)`, indices into `kind_names`.
        kind_names: The name of each kind: a class, or a kind of defect.
        official_split: str `(count,)`, the split that the source prescribes: `"train"`, `"test"`,
            or `UNASSIGNED` where it prescribes none.
        names: str `(count,)`, the path of each image in its folder, or its index in the data set.
        groups: int64 `(count,)`, from 0; images of the same part have the same number.
        masks: uint8 `(count, height, width)`: `DEFECT_PIXEL` where a mask marks a defect,
            `UNKNOWN_PIXEL` in all pixels of an anomaly without a mask, 0 elsewhere; None if no
            image has a mask.
        measurements: float32 `(count, MEASUREMENTS)`, what each picture looked like when it was
            loaded, see `ganad_station.measurements.measure`; NaN for synthetic anomalies, None if
            the pictures were not measured.
        boxes: int64 `(count, 4)`, where the picture is in each image, see
            `ganad_station.fitting.Box`; None if all pictures fill their images.
    """

    images: NDArray[np.uint8]
    kinds: NDArray[np.int64]
    kind_names: tuple[str, ...]
    official_split: NDArray[np.str_]
    names: NDArray[np.str_]
    groups: NDArray[np.int64]
    masks: NDArray[np.uint8] | None = None
    measurements: NDArray[np.float32] | None = None
    boxes: NDArray[np.int64] | None = None

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
            None if self.measurements is None else self.measurements[indices],
            None if self.boxes is None else self.boxes[indices],
        )

    def __len__(self) -> int:
        return len(self.images)
