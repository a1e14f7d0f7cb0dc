"""Verifying that an exported file decides like the float model, under each runtime."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganad_station.exit_codes import NOT_VERIFIED
from ganad_station.manifest import Manifest
from ganad_station.runtimes.model import Model
from ganad_station.score import ScoreRule
from ganad_tf.config.defaults import DEFAULT_MAX_DROP
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.evaluation.plots import plot_agreement
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.exporting.comparison import Verification, compare
from ganad_tf.exporting.manifest import check_origin, manifest_beside, record_verification
from ganad_tf.exporting.runtimes import open_in_all_runtimes
from ganad_tf.exporting.thresholds import file_threshold
from ganad_tf.run import Run
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import write_json, write_text

EVIDENCE_FOLDER = "verification"
Values = NDArray[np.float64]


class NotFiniteError(UserError):
    """A model file gives images a score that is not a number."""

    exit_code = NOT_VERIFIED


def verify(
    model_paths: Sequence[str | Path], run: Run, max_drop: float = DEFAULT_MAX_DROP
) -> list[Verification]:
    """Compare exported files with their float model on the whole test split.

    Writes into `verification/` beside each file: `<file>.json` with the figures, `<file>.csv` with
    both scores of each image, and `<file>.png` with a plot of them. Records the outcome in the
    manifest, if there is one. The files run in the code of a station, in every runtime that can be
    run here.

    Args:
        model_paths: Model files that `export` wrote.
        run: The run that they were exported from. The float model decides at its threshold, a file
            at that of its manifest, or else at one that is set as `export` does.
        max_drop: Largest drop of AUROC that passes.

    Raises:
        UserError: If a file cannot be loaded, was exported from another run, or does not fit the
            images of the run; if the run has no threshold or is in use, its data have changed, or
            its test split has fewer than two parts of a class.
        NotFiniteError: If a score is not a finite number; then, nothing is written.
    """
    paths = [Path(path) for path in model_paths]
    threshold = run.threshold
    with run.exclusively():
        for path in paths:
            check_origin(path, run)
        prepare_execution(run.config.seed, run.config.data.trained_size)
        test = run.splits.test
        images = test.data.images
        opened = [load_models(path, images.shape[1:]) for path in paths]
        scorer = Scorer.of(run)
        reference = ScoredSplit.of(test, scorer.scores(images, test.data.boxes))
        if reference.fewest_parts < 2:
            raise UserError(
                "comparing two models takes test images of at least two normal and two anomalous "
                "parts: add pictures, or raise data.test_fraction and train again"
            )
        verifications, scores_of_files = [], []
        for path, models in zip(paths, opened, strict=True):
            scores = score_all(models, images, test.data.boxes, scorer.rule, path)
            own = _own_threshold(path, models, run, scorer)
            verification = Verification(
                model=path.name,
                images=len(reference),
                float_auroc=auroc(reference.is_anomaly, reference.scores),
                max_drop=max_drop,
                threshold=threshold.value,
                exported_threshold=own,
                float_bytes=4 * scorer.generator.count_params(),
                exported_bytes=path.stat().st_size,
                runtimes={
                    name: compare(
                        reference.with_scores(found),
                        reference.scores,
                        threshold=own,
                        float_threshold=threshold.value,
                        max_drop=max_drop,
                    )
                    for name, found in scores.items()
                },
            )
            verifications.append(verification)
            scores_of_files.append(scores)
        for path, verification, scores in zip(paths, verifications, scores_of_files, strict=True):
            _write_evidence(path, verification, scores, reference, test)
            record_verification(path, verification.to_entry())
    return verifications


def score_all(
    models: Mapping[str, Model],
    images: NDArray[np.uint8],
    boxes: NDArray[np.int64] | None,
    rule: ScoreRule,
    path: Path,
) -> dict[str, Values]:
    """Return the scores of images under each runtime.

    Raises:
        NotFiniteError: If one is not a finite number.
    """
    found = {name: model.score(images, rule, boxes) for name, model in models.items()}
    for name, scores in found.items():
        count = int((~np.isfinite(scores)).sum())
        if count:
            raise NotFiniteError(
                f"{path} failed: {count} of {len(images)} scores are not finite numbers under "
                f"{name}: export it again"
            )
    return found


def load_models(path: Path, image_shape: tuple[int, ...]) -> dict[str, Model]:
    """Load an exported file in all runtimes and check that it takes images of this shape.

    Raises:
        UserError: If it does not exist, is not a model, has no runtime here, or takes images of
            another shape.
    """
    models = open_in_all_runtimes(path)
    for model in models.values():
        if model.image_shape != image_shape:
            raise UserError(
                f"{path} takes images of shape {model.image_shape}, the run has {image_shape}: "
                "give the run that it was exported from with --run"
            )
    return models


def _own_threshold(path: Path, models: Mapping[str, Model], run: Run, scorer: Scorer) -> float:
    manifest: Manifest | None = manifest_beside(path)
    if manifest is not None and path.name in manifest.thresholds:
        return manifest.thresholds[path.name].value
    normals = run.splits.validation.normal_data
    scores = score_all(models, normals.images, normals.boxes, scorer.rule, path)
    float_scores = scorer.scores(normals.images, normals.boxes)
    return file_threshold(run, path.name, scores, float_scores).value


def _write_evidence(
    model_path: Path,
    verification: Verification,
    scores: Mapping[str, Values],
    reference: ScoredSplit,
    test: Split,
) -> None:
    folder = model_path.parent / EVIDENCE_FOLDER
    folder.mkdir(exist_ok=True)
    plot_agreement(
        reference.with_scores(next(iter(scores.values()))),
        reference.scores,
        verification.exported_threshold,
        verification.threshold,
        folder / f"{model_path.name}.png",
    )
    write_json(folder / f"{model_path.name}.json", verification.to_dict())
    write_text(folder / f"{model_path.name}.csv", _scores_csv(scores, reference, test.data.names))


def _scores_csv(
    scores: Mapping[str, Values], reference: ScoredSplit, names: NDArray[np.str_]
) -> str:
    first, *others = scores
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "kind", "float_score", "exported_score", *others))
    kinds = [reference.kind_names[kind] for kind in reference.kinds]
    columns = [reference.scores.tolist(), *(scores[name].tolist() for name in (first, *others))]
    writer.writerows(zip(names, kinds, *columns, strict=True))
    return text.getvalue()
