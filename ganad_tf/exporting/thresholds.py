"""The threshold of each model file.

Files of a run differ in their scores, if only by a shift that one scale of an int8 file makes, so
each has a threshold of its own, set from its own scores of the pictures that the threshold of the
float model was set on, with the same promise.

A station cannot always tell which kernels its runtime has. A file therefore has one threshold for
all runtimes: the largest of those that each runtime alone would get. It keeps the promise on false
rejects under each of them, and the verification counts the misses under each at that threshold.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ganad_station.calibration import set_threshold
from ganad_station.threshold import Threshold
from ganad_tf.errors import station_errors_as_user_errors
from ganad_tf.run import Run
from ganad_tf.run.folder import VALIDATION_PICTURES

Values = NDArray[np.float64]


def file_threshold(
    run: Run, name: str, scores: Mapping[str, Values], float_scores: Values
) -> Threshold:
    """Set the threshold of a model file.

    Args:
        run: An evaluated run.
        name: File name of the model.
        scores: float64 `(count,)`, the scores of the normal validation images under the file, by
            the name of the runtime.
        float_scores: float64 `(count,)`, the same of the float model.
    """
    threshold = run.threshold
    if threshold.calibrated_on != VALIDATION_PICTURES:
        # Only the threshold is recorded of a calibration, not the scores that it was set on.
        shift = max(float(np.median(values - float_scores)) for values in scores.values())
        about = f"{threshold.calibrated_on}, float model, {shift:+.5f} for {name}"
        return threshold._replace(value=max(threshold.value + shift, 0.0), calibrated_on=about)
    validation = run.splits.validation
    parts = validation.data.groups[~validation.is_anomaly].tolist()
    with station_errors_as_user_errors():
        each = [
            set_threshold(
                values.tolist(),
                parts,
                f"the good pictures of validation, {name}",
                threshold.requested_rate,
                threshold.confidence,
            )
            for values in scores.values()
        ]
    return max(each, key=lambda found: found.value)
