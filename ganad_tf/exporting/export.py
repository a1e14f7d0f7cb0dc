"""From a finished run to the bundles that go to stations."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganad_station.choice import open_model
from ganad_station.illumination import even_out
from ganad_station.manifest import InputEntry, Manifest, SelftestEntry
from ganad_station.score import ScoreRule
from ganad_station.threshold import ORDER_STATISTIC, Threshold
from ganad_tf import __version__
from ganad_tf.errors import UserError
from ganad_tf.evaluation.evaluate import DEFAULT_FALSE_REJECT_RATE
from ganad_tf.evaluation.metrics import threshold_at
from ganad_tf.evaluation.scoring import score_images
from ganad_tf.exporting.edgetpu import compile_for_edge_tpu
from ganad_tf.exporting.manifest import describe_model, hash_files, write_manifest
from ganad_tf.exporting.model_files import ModelFiles
from ganad_tf.exporting.station_program import write_station_program
from ganad_tf.exporting.tflite.conversion import IoType
from ganad_tf.exporting.tflite.file import float_tensors
from ganad_tf.exporting.variants import bundle_name, recipes_for
from ganad_tf.run import Run
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import remove_leftovers, replacing_folder
from ganad_tf.targets.check import check
from ganad_tf.targets.profile import PAGE_FILE, load_profile, page_of
from ganad_tf.targets.recipe import Recipe, Variant

STATION_PROGRAM = "station.pyz"
SELFTEST_PICTURE = "selftest.png"
CORAL = "coral"
QUANTIZATION_AWARE = Variant()

logger = logging.getLogger(__name__)


def export(
    run: Run,
    targets: Sequence[str],
    variant: Variant = QUANTIZATION_AWARE,
    io_type: IoType = IoType.INT8,
    false_reject_rate: float = DEFAULT_FALSE_REJECT_RATE,
) -> list[Path]:
    """Export the generator of a run into one bundle a target, `<run>/bundles/<target>/`.

    Args:
        run: A finished run.
        targets: What kinds of stations to export for.
        variant: What to export.
        io_type: Input and output of int8 TFLite files.
        false_reject_rate: Share of good parts that may be rejected; sets the threshold, on the
            validation scores of the float model.

    Returns:
        The model files of all bundles. Their manifests say that they are not verified:
        `verify` is the next step.

    Raises:
        UserError: If the run is not finished or in use, its data have changed, the rate is out
            of range, or a target is unknown or has no such variant.
    """
    chosen = {target: recipes_for(target, variant) for target in targets}
    if not run.is_trained:
        raise UserError(
            f"{run.folder} is not trained to its end: ganad-tf train --resume {run.folder}"
        )
    with run.exclusively():
        return _export(run, chosen, variant, io_type, false_reject_rate)


def _export(
    run: Run,
    chosen: dict[str, tuple[Recipe, ...]],
    variant: Variant,
    io_type: IoType,
    false_reject_rate: float,
) -> list[Path]:
    prepare_execution(run.config.seed, run.config.data.trained_size)
    splits = run.splits
    model_files = ModelFiles(run, splits, io_type)
    normals = splits.validation.normals
    height, width, channels = normals.shape[1:]
    rule, illumination = run.config.score.rule, run.config.data.illumination
    good_scores = score_images(model_files.generator, normals, rule)
    threshold = Threshold(
        threshold_at(false_reject_rate, good_scores),
        false_reject_rate,
        ORDER_STATISTIC,
        f"{len(normals)} normal images of the validation split, float model",
    )
    paths = []
    for target, recipes in chosen.items():
        folder = run.folder / "bundles" / bundle_name(target, variant)
        folder.parent.mkdir(exist_ok=True)
        remove_leftovers(folder.parent)
        with replacing_folder(folder) as temporary:
            _fill(temporary, target, recipes, model_files)
            selftest = _write_selftest(temporary, recipes, normals[0], illumination, rule)
            manifest = Manifest(
                ganad_tf=__version__,
                run=run.identity.id,
                target=target,
                files=hash_files(temporary),
                models=tuple(describe_model(recipe, io_type.value) for recipe in recipes),
                input=InputEntry(height, width, channels, illumination),
                score=rule,
                threshold=threshold,
                selftest=selftest,
                verification={},
            )
            write_manifest(temporary, manifest)
        paths += [folder / recipe.file for recipe in recipes]
    return paths


def _fill(folder: Path, target: str, recipes: tuple[Recipe, ...], model_files: ModelFiles) -> None:
    for recipe in recipes:
        path = folder / recipe.file
        path.write_bytes(model_files.make(recipe))
        if recipe.has_io_type:
            _check_integers(path)
        report = check(path, load_profile(target))
        if report.is_refused:
            raise AssertionError(f"{target} refuses the file made for it: {report.summary}")
        logger.info("%s/%s: %s", target, recipe.file, report.summary)
        if target == CORAL:
            _compile(path)
    write_station_program(folder / STATION_PROGRAM)
    (folder / PAGE_FILE).write_bytes(page_of(target))


def _compile(path: Path) -> None:
    compilation = compile_for_edge_tpu(path)
    if compilation is None:
        logger.info(
            "edgetpu_compiler is not on PATH: %s has the command to run elsewhere", PAGE_FILE
        )
    else:
        logger.info(
            "edgetpu_compiler: %d operations on the Edge TPU, %d on the CPU",
            compilation.on_edge_tpu,
            compilation.on_cpu,
        )


def _write_selftest(
    folder: Path,
    recipes: tuple[Recipe, ...],
    image: NDArray[np.uint8],
    illumination: str,
    rule: ScoreRule,
) -> SelftestEntry:
    picture = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(picture).save(folder / SELFTEST_PICTURE)
    # What was evened out already changes a little when the station does it again.
    taken = even_out(image, illumination)[np.newaxis]
    scores = {
        recipe.file: float(open_model(folder / recipe.file).score(taken, rule)[0])
        for recipe in recipes
    }
    return SelftestEntry(SELFTEST_PICTURE, scores)


def _check_integers(model_path: Path) -> None:
    names = float_tensors(model_path)
    if names:
        raise AssertionError(f"the int8 file has float tensors: {', '.join(names)}")
