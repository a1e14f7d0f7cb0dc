"""Verifying that an exported file decides like the float model."""

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
from ganad_station.threshold import is_rejected
from ganad_tf.config.defaults import DEFAULT_MAX_DROP
from ganad_tf.errors import UserError, reason
from ganad_tf.evaluation.intervals import Estimate, auroc_difference
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.evaluation.plots import plot_agreement
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.exporting.manifest import check_origin, record_verification
from ganad_tf.run import Run
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import write_json, write_text

EVIDENCE_FOLDER = "verification"


@dataclasses.dataclass(frozen=True)
class Verification:
    """An exported file against the float model, on the whole test split.

    Attributes:
        model: File name of the exported file.
        images: Number of test images.
        float_auroc: AUROC of the float Keras generator.
        exported_auroc: AUROC of the file under the runtime of the station.
        difference: `exported_auroc - float_auroc` with DeLong's paired 95 % interval.
        max_drop: Largest drop of AUROC that passes.
        rank_correlation: Spearman's rank correlation of the two scores.
        threshold: The threshold that decisions are compared at.
        flipped_to_reject: Number of images that only the file rejects.
        flipped_to_accept: Number of images that only the float model rejects.
        float_bytes: Size of the float32 weights in bytes.
        exported_bytes: Size of the file in bytes.
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

    @property
    def compression(self) -> float:
        """Size of the float32 weights divided by the size of the file."""
        return self.float_bytes / self.exported_bytes

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
    model_paths: Sequence[str | Path], run: Run, max_drop: float = DEFAULT_MAX_DROP
) -> list[Verification]:
    """Compare exported files with their float model on the whole test split.

    Writes into `verification/` beside each file: `<file>.json` with the figures, `<file>.csv` with
    both scores of each image, and `<file>.png` with a plot of them. Records the outcome in the
    manifest, if there is one. The files run in the code and the runtime of a station.

    Args:
        model_paths: Model files that `export` wrote.
        run: The run that they were exported from; decisions are compared at its threshold.
        max_drop: Largest drop of AUROC that passes.

    Raises:
        UserError: If a file cannot be loaded, was exported from another run, or does not fit the
            images of the run; if the run has no threshold or is in use, or its data have changed.
    """
    paths = [Path(path) for path in model_paths]
    threshold = run.threshold
    with run.exclusively():
        for path in paths:
            check_origin(path, run)
        prepare_execution(run.config.seed, run.config.data.trained_size)
        test = run.splits.test
        images = test.data.images
        models = [load_model(path, images.shape[1:]) for path in paths]
        scorer = Scorer.of(run)
        reference = scorer.scores(images)
        verifications = []
        for path, model in zip(paths, models, strict=True):
            scored = ScoredSplit.of(test, model.score(images, scorer.rule))
            verification = compare(
                scored,
                reference,
                model=path.name,
                max_drop=max_drop,
                threshold=threshold.value,
                float_bytes=4 * scorer.generator.count_params(),
                exported_bytes=path.stat().st_size,
            )
            _write_evidence(path, verification, scored, reference, test.data.names)
            record_verification(path, verification.to_entry())
            verifications.append(verification)
    return verifications


def _write_evidence(
    model_path: Path,
    verification: Verification,
    scored: ScoredSplit,
    reference: NDArray[np.float64],
    names: NDArray[np.str_],
) -> None:
    folder = model_path.parent / EVIDENCE_FOLDER
    folder.mkdir(exist_ok=True)
    plot_agreement(scored, reference, verification.threshold, folder / f"{model_path.name}.png")
    write_json(folder / f"{model_path.name}.json", dataclasses.asdict(verification))
    write_text(folder / f"{model_path.name}.csv", _scores_csv(scored, reference, names))


def _scores_csv(
    scored: ScoredSplit, reference: NDArray[np.float64], names: NDArray[np.str_]
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "kind", "float_score", "exported_score"))
    kinds = [scored.kind_names[kind] for kind in scored.kinds]
    scores = reference.tolist(), scored.scores.tolist()
    writer.writerows(zip(names, kinds, *scores, strict=True))
    return text.getvalue()


def compare(
    scored: ScoredSplit,
    reference: NDArray[np.float64],
    *,
    model: str,
    max_drop: float,
    threshold: float,
    float_bytes: int,
    exported_bytes: int,
) -> Verification:
    """Compare the scores of an exported file with those of the float model.

    Args:
        scored: The scores of the file.
        reference: float64 `(count,)`, the scores of the float model for the same images.
        model: File name of the exported file.
        max_drop: Largest drop of AUROC that passes.
        threshold: The threshold that decisions are compared at.
        float_bytes: Size of the float32 weights.
        exported_bytes: Size of the exported file.
    """
    difference = auroc_difference(scored, reference)
    rejected = is_rejected(scored.scores, threshold)
    float_rejected = is_rejected(reference, threshold)
    return Verification(
        model=model,
        images=len(scored),
        float_auroc=auroc(scored.is_anomaly, reference),
        exported_auroc=auroc(scored.is_anomaly, scored.scores),
        difference=difference,
        max_drop=max_drop,
        rank_correlation=float(stats.spearmanr(scored.scores, reference).statistic),
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
        UserError: If it does not exist, is not a model, has no runtime here, or takes images of
            another shape.
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
