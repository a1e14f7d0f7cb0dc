"""The proof that an exported file decides like the float model."""

import csv
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ganad_station.choice import PACKAGES, open_model
from ganad_station.errors import StationError
from ganad_station.manifest import Interval, VerificationEntry
from ganad_station.runtimes.model import Model
from ganad_tf.config.defaults import DEFAULT_MAX_DROP
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError, reason
from ganad_tf.evaluation.evaluate import DEFAULT_FALSE_REJECT_RATE
from ganad_tf.evaluation.metrics import Estimate, auroc, auroc_difference, threshold_at
from ganad_tf.evaluation.plots import plot_agreement
from ganad_tf.evaluation.scoring import score_images
from ganad_tf.exporting.manifest import check_origin, record_verification
from ganad_tf.models.checkpoints import load_generator
from ganad_tf.run import Run
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import write_json, write_text

EVIDENCE_FOLDER = "verification"


@dataclasses.dataclass(frozen=True)
class Verification:
    """An exported file against the float model, on the whole test split.

    Attributes:
        model: Name of the file.
        images: Test images, each scored by both.
        float_auroc: AUROC of the float Keras generator.
        exported_auroc: AUROC of the file under the station's runtime.
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

    def to_entry(self) -> VerificationEntry:
        """Return the figures that the manifest of the bundle records."""
        return VerificationEntry(
            float_auroc=self.float_auroc,
            exported_auroc=self.exported_auroc,
            difference=Interval(**dataclasses.asdict(self.difference)),
            max_drop=self.max_drop,
            images=self.images,
            is_verified=self.is_verified,
        )


def verify(
    model_paths: Sequence[Path],
    run: Run,
    max_drop: float = DEFAULT_MAX_DROP,
    false_reject_rate: float = DEFAULT_FALSE_REJECT_RATE,
) -> list[Verification]:
    """Score the test split with exported files and with their float model, and compare.

    Writes into `verification/` beside each file: `<file>.json` with the figures, `<file>.csv`
    with both scores of every image, `<file>.png` with a plot of them; and the outcome into the
    manifest, if there is one. A file runs in the code and the runtime that a station has.

    Args:
        model_paths: Model files that export wrote.
        run: The run that they were exported from.
        max_drop: Largest drop of AUROC that passes.
        false_reject_rate: Where to set the threshold that decisions are compared at, on the
            validation scores of the float model.

    Raises:
        UserError: If a file cannot be loaded, was exported from another run, does not fit the
             run's images, the data have changed, or the rate is out of range.
    """
    with run.exclusively():
        return _verify(model_paths, run, max_drop, false_reject_rate)


def _verify(
    model_paths: Sequence[Path], run: Run, max_drop: float, false_reject_rate: float
) -> list[Verification]:
    for path in model_paths:
        check_origin(path, run)
    prepare_execution(run.config.seed, run.config.data.trained_size)
    splits = run.splits
    images = splits.test.data.images
    models = [load_model(path, images.shape[1:]) for path in model_paths]
    generator = load_generator(run.generator_path)
    rule = run.config.score.rule
    threshold = threshold_at(
        false_reject_rate, score_images(generator, splits.validation.normals, rule)
    )
    reference = score_images(generator, images, rule)
    verifications = []
    for path, model in zip(model_paths, models, strict=True):
        scores = model.score(images, rule)
        verification = compare(
            splits.test.is_anomaly,
            splits.test.data.groups,
            reference,
            scores,
            model=path.name,
            max_drop=max_drop,
            threshold=threshold,
            float_bytes=4 * generator.count_params(),
            exported_bytes=path.stat().st_size,
        )
        _write_evidence(path, verification, splits.test, reference, scores)
        record_verification(path, verification.to_entry())
        verifications.append(verification)
    return verifications


def _write_evidence(
    model_path: Path,
    verification: Verification,
    test: Split,
    reference: NDArray[np.float64],
    scores: NDArray[np.float64],
) -> None:
    folder = model_path.parent / EVIDENCE_FOLDER
    folder.mkdir(exist_ok=True)
    plot = folder / f"{model_path.name}.png"
    plot_agreement(test.is_anomaly, reference, scores, verification.threshold, plot)
    write_json(folder / f"{model_path.name}.json", dataclasses.asdict(verification))
    write_text(folder / f"{model_path.name}.csv", _scores_csv(test, reference, scores))


def _scores_csv(test: Split, reference: NDArray[np.float64], scores: NDArray[np.float64]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "kind", "float_score", "exported_score"))
    kinds = np.array(test.data.kind_names)[test.data.kinds]
    writer.writerows(zip(test.data.names, kinds, reference.tolist(), scores.tolist(), strict=True))
    return text.getvalue()


def compare(
    is_anomaly: NDArray[np.bool_],
    parts: NDArray[np.int64],
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
    difference = auroc_difference(is_anomaly, scores, reference, parts)
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


def load_model(path: Path, image_shape: tuple[int, ...]) -> Model:
    """Load an exported file and check that it takes images of this shape.

    Raises:
        UserError: If it does not exist, is no model, has no runtime here, or takes another
            shape.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a model file that export wrote")
    try:
        model = open_model(path)
    except ImportError:
        raise UserError(f"{path} needs pip install {PACKAGES[path.suffix]}") from None
    except (StationError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} cannot be loaded ({reason(error)}): export it again") from None
    if model.image_shape != image_shape:
        raise UserError(
            f"{path} takes images of shape {model.image_shape}, the run has {image_shape}: "
            "give the run that it was exported from with --run"
        )
    return model
