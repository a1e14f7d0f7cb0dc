"""Exporting a run as bundles for stations."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganad_station.choice import open_model
from ganad_station.illumination import even_out
from ganad_station.manifest import Manifest, SelftestEntry
from ganad_station.model_input import InputEntry
from ganad_station.threshold import Threshold, describe_threshold
from ganad_tf import __version__
from ganad_tf.evaluation.measure import warn_of_chance
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.exporting.carry_over import carry_over
from ganad_tf.exporting.edgetpu import compile_for_edge_tpu
from ganad_tf.exporting.manifest import describe_model, hash_files, write_manifest
from ganad_tf.exporting.model_files import ModelFiles
from ganad_tf.exporting.runtimes import open_in_all_runtimes
from ganad_tf.exporting.station_program import write_station_program
from ganad_tf.exporting.tflite.conversion import IoType
from ganad_tf.exporting.tflite.file import float_tensors
from ganad_tf.exporting.thresholds import file_threshold
from ganad_tf.exporting.variants import bundle_name, recipes_for
from ganad_tf.exporting.verify import score_all
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
) -> list[Path]:
    """Export the generator of a run as one bundle per target, `<run>/bundles/<target>/`.

    Each model file gets a threshold of its own, see `ganad_tf.exporting.thresholds`. What others
    have put into a bundle stays when it is exported again, see `ganad_tf.exporting.carry_over`.

    Args:
        run: An evaluated run.
        targets: Names of the kinds of stations to export for.
        variant: Number format and quantization of the model files.
        io_type: Input and output of int8 TFLite files.

    Returns:
        The model files of all bundles. Their manifests say that they are not verified:
        `verify` is the next step.

    Raises:
        UserError: If the run is not evaluated or in use, its data have changed, or a target is
            unknown or not available in that variant.
        NotFiniteError: If a file gives a score that is not a finite number; then, its bundle is not
            written.
    """
    recipes = {target: recipes_for(target, variant) for target in targets}
    warn_of_chance(run)
    logger.info("threshold of the float model: %s", describe_threshold(run.threshold))
    if run.appearance is None:
        logger.info(
            "the run does not record what its training pictures look like, so that stations cannot "
            "refuse pictures that are unlike them: train again"
        )
    paths = []
    with run.exclusively():
        prepare_execution(run.config.seed, run.config.data.trained_size)
        model_files = ModelFiles(run, run.splits, io_type)
        scorer = Scorer(model_files.generator, run.config.score.rule)
        normals = run.splits.validation.normal_data
        float_scores = scorer.scores(normals.images, normals.boxes)
        for target in targets:
            folder = run.folder / "bundles" / bundle_name(target, variant)
            folder.parent.mkdir(exist_ok=True)
            remove_leftovers(folder.parent)
            with replacing_folder(folder) as temporary:
                _write_model_files(temporary, target, recipes[target], model_files)
                write_station_program(temporary / STATION_PROGRAM)
                (temporary / PAGE_FILE).write_bytes(page_of(target))
                selftest = _write_selftest(temporary, recipes[target], run)
                thresholds = _set_thresholds(temporary, recipes[target], run, float_scores)
                manifest = Manifest(
                    ganad_tf=__version__,
                    run=run.identity.id,
                    target=target,
                    files=hash_files(temporary),
                    models=tuple(describe_model(recipe, io_type) for recipe in recipes[target]),
                    input=_describe_input(run),
                    score=run.config.score.rule,
                    thresholds=thresholds,
                    selftest=selftest,
                    verification={},
                    appearance=run.appearance,
                )
                write_manifest(temporary, manifest)
                carry_over(folder, temporary, manifest)
            paths += [folder / recipe.file for recipe in recipes[target]]
    return paths


def _write_model_files(
    folder: Path, target: str, recipes: Sequence[Recipe], model_files: ModelFiles
) -> None:
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


def _describe_input(run: Run) -> InputEntry:
    height, width, channels = run.splits.test.data.images.shape[1:]
    data = run.config.data
    return InputEntry(height, width, channels, data.illumination, data.levels, data.fit)


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


def _write_selftest(folder: Path, recipes: Sequence[Recipe], run: Run) -> SelftestEntry:
    """Store a normal image of the validation split, and score it with each model file."""
    image = run.splits.validation.normals[0]
    picture = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(picture).save(folder / SELFTEST_PICTURE)
    # Correcting the illumination a second time, as the station will, changes an image slightly.
    taken = even_out(image, run.config.data.illumination)[np.newaxis]
    rule = run.config.score.rule
    scores = {
        recipe.file: float(open_model(folder / recipe.file).score(taken, rule)[0])
        for recipe in recipes
    }
    return SelftestEntry(SELFTEST_PICTURE, scores)


def _set_thresholds(
    folder: Path, recipes: Sequence[Recipe], run: Run, float_scores: NDArray[np.float64]
) -> dict[str, Threshold]:
    normals, rule = run.splits.validation.normal_data, run.config.score.rule
    thresholds = {}
    for recipe in recipes:
        path = folder / recipe.file
        models = open_in_all_runtimes(path)
        scores = score_all(models, normals.images, normals.boxes, rule, path)
        thresholds[recipe.file] = file_threshold(run, recipe.file, scores, float_scores)
        logger.info("threshold of %s: %s", path.name, describe_threshold(thresholds[recipe.file]))
    return thresholds


def _check_integers(model_path: Path) -> None:
    names = float_tensors(model_path)
    if names:
        raise AssertionError(f"the int8 file has float tensors: {', '.join(names)}")
