"""The proof that an exported file decides like the float model."""

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganad_station.runtime import TfliteModel
from ganad_tf.checkpoints import load_generator
from ganad_tf.errors import UserError, reason
from ganad_tf.evaluation import DEFAULT_FALSE_REJECT_RATE
from ganad_tf.files import write_json
from ganad_tf.inference import score_images
from ganad_tf.manifest import (
    AGREEMENT_PLOT,
    VERIFICATION_FILE,
    check_origin,
    mark_verified,
)
from ganad_tf.plots import plot_agreement
from ganad_tf.runs import Run, load_recorded_splits
from ganad_tf.statistics import Estimate, auroc, auroc_difference, threshold_at

DEFAULT_MAX_DROP = 0.005


@dataclasses.dataclass(frozen=True)
class Verification:
    """An exported file against the float model, on the whole test split.

    Attributes:
        model: Name of the file.
        images: Test images, each scored by both.
        float_auroc: AUROC of the float Keras generator.
        exported_auroc: AUROC of the file under LiteRT.
        difference: `exported_auroc - float_auroc` with DeLong's paired 95 % interval.
        max_drop: Largest drop of AUROC that passes.
        rank_correlation: Spearman's correlation of the two scores.
        threshold: The threshold that decisions are compared at.
        flipped_to_reject: Images that only the file rejects.
        flipped_to_accept: Images that only the float model rejects.
        float_bytes: Size of the float32 weights.
        exported_bytes: Size of the file.
        is_verified: Whether the drop is at most `max_drop`.
    """

    model: str
    images: int
    float_auroc: float
    exported_auroc: float
    difference: Estimate
    max_drop: float
    rank_correlation: float
    threshold: float
    flipped_to_reject: int
    flipped_to_accept: int
    float_bytes: int
    exported_bytes: int
    is_verified: bool


def verify(
    model_path: Path,
    run: Run,
    max_drop: float = DEFAULT_MAX_DROP,
    false_reject_rate: float = DEFAULT_FALSE_REJECT_RATE,
) -> Verification:
    """Score the test split with an exported file and with its float model, and compare.

    Writes `verification.json` and `agreement.png` beside the file, and the outcome into the
    manifest, if there is one.

    Args:
        model_path: A `.tflite` file.
        run: The run that it was exported from.
        max_drop: Largest drop of AUROC that passes.
        false_reject_rate: Where to set the threshold that decisions are compared at, on the
            validation scores of the float model.

    Raises:
        UserError: If the file cannot be loaded, was exported from another run, does not fit
            the run's images, the data have changed, or the rate is out of range.
    """
    check_origin(model_path, run)
    splits = load_recorded_splits(run)
    generator = load_generator(run.generator_path)
    model = load_tflite(model_path, splits.test.data.images.shape[1:])
    threshold = threshold_at(false_reject_rate, score_images(generator, splits.validation.normals))
    reference = score_images(generator, splits.test.data.images)
    scores = model.score(splits.test.data.images)
    is_anomaly = splits.test.is_anomaly
    plot_agreement(is_anomaly, reference, scores, threshold, model_path.parent / AGREEMENT_PLOT)
    verification = compare(
        is_anomaly,
        reference,
        scores,
        model=model_path.name,
        max_drop=max_drop,
        threshold=threshold,
        float_bytes=4 * generator.count_params(),
        exported_bytes=model_path.stat().st_size,
    )
    write_json(model_path.parent / VERIFICATION_FILE, dataclasses.asdict(verification))
    mark_verified(model_path, verification.is_verified)
    return verification


def compare(
    is_anomaly: NDArray[np.bool_],
    reference: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    model: str,
    max_drop: float,
    threshold: float,
    float_bytes: int,
    exported_bytes: int,
) -> Verification:
    """Compare two scores of the same images; see `Verification` for the figures."""
    difference = auroc_difference(is_anomaly, scores, reference)
    rejected, float_rejected = scores > threshold, reference > threshold
    return Verification(
        model=model,
        images=len(scores),
        float_auroc=auroc(is_anomaly, reference),
        exported_auroc=auroc(is_anomaly, scores),
        difference=difference,
        max_drop=max_drop,
        rank_correlation=float(stats.spearmanr(scores, reference).statistic),
        threshold=threshold,
        flipped_to_reject=int((rejected & ~float_rejected).sum()),
        flipped_to_accept=int((~rejected & float_rejected).sum()),
        float_bytes=float_bytes,
        exported_bytes=exported_bytes,
        is_verified=-difference.value <= max_drop,
    )


def load_tflite(path: Path, image_shape: tuple[int, ...]) -> TfliteModel:
    """Load an exported file and check that it takes images of this shape.

    Raises:
        UserError: If it does not exist, is no TFLite model, or takes another shape.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: give the .tflite file that export wrote")
    try:
        model = TfliteModel(path)
    except (ValueError, RuntimeError) as error:
        raise UserError(f"{path} is no TFLite model ({reason(error)})") from None
    if model.image_shape != image_shape:
        raise UserError(
            f"{path} takes images of shape {model.image_shape}, the run has {image_shape}: "
            "give the run that it was exported from with --run"
        )
    return model
