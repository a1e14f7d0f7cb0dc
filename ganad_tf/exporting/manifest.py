"""Writing the manifest of a bundle; `ganad_station.bundle` reads it."""

from pathlib import Path
from typing import Any

from ganad_station.bundle import MANIFEST_FILE, SCHEMA_VERSION, read_manifest, sha256
from ganad_station.errors import StationError
from ganad_station.score import PIXEL_LEVELS, ScoreRule
from ganad_tf import __version__
from ganad_tf.errors import UserError
from ganad_tf.run import Run
from ganad_tf.system.files import write_json
from ganad_tf.targets.recipe import Recipe

SCORE_DEFINITION = (
    "mean absolute reconstruction error over pixels and channels, in [0, 1], of the patch_count "
    "patches of patch_size pixels with the largest; of the whole image where patch_size is 0; the "
    "error of a pixel is the mean over views of the image: 1 as it is, 2 also mirrored left to "
    "right, 4 also top to bottom and both"
)


def write_manifest(
    folder: Path,
    run_id: str,
    target: str,
    recipes: tuple[Recipe, ...],
    io_type: str,
    image_shape: tuple[int, ...],
    illumination: str,
    rule: ScoreRule,
    threshold: dict[str, Any],
    selftest: dict[str, Any],
) -> None:
    """Write the manifest of a bundle that is not verified yet.

    Args:
        folder: The bundle, with all its other files in place.
        run_id: Id of the run that it was exported from.
        target: The kind of station that it is for.
        recipes: Its models, the preferred one first.
        io_type: Input and output of its int8 TFLite files, `int8` or `uint8`.
        image_shape: Height, width and channels of the input.
        illumination: What is evened out of a picture before.
        rule: What a score is the mean of.
        threshold: Value, and what it was calibrated on.
        selftest: Name of the stored picture and its score under each model.
    """
    height, width, channels = image_shape
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "ganad_tf": __version__,
        "run": run_id,
        "target": target,
        "files": {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file()},
        "models": [_describe(recipe, io_type) for recipe in recipes],
        "input": {
            "height": height,
            "width": width,
            "channels": channels,
            "levels": PIXEL_LEVELS,
            "illumination": illumination,
        },
        "score": {"definition": SCORE_DEFINITION, **rule._asdict()},
        "threshold": threshold,
        "selftest": selftest,
        "verification": {},
    }
    write_json(folder / MANIFEST_FILE, manifest)


def check_origin(model_path: Path, run: Run) -> None:
    """Check that a model file is the one that the manifest beside it describes, if there is one.

    Raises:
        UserError: If the manifest is damaged, of another schema version, describes another
            file, or names another run.
    """
    manifest = _manifest_beside(model_path)
    if manifest is None:
        return
    if manifest["run"] != run.identity["id"]:
        raise UserError(
            f"{model_path} was exported from run {manifest['run']}, not from {run.folder}: "
            "name the right one with --run, or export again"
        )
    if model_path.is_file() and manifest["files"].get(model_path.name) != sha256(model_path):
        raise UserError(
            f"{model_path} is not the file that {model_path.parent / MANIFEST_FILE} describes: "
            "export it again"
        )


def recorded_false_reject_rate(model_path: Path) -> float | None:
    """Return the rate that the threshold beside a model was set for, if there is a manifest."""
    manifest = _manifest_beside(model_path)
    return None if manifest is None else manifest["threshold"]["false_reject_rate"]


def record_verification(model_path: Path, outcome: dict[str, Any]) -> None:
    """Record the outcome of a verification in the manifest beside the model, if there is one."""
    manifest = _manifest_beside(model_path)
    if manifest is not None:
        manifest["verification"][model_path.name] = outcome
        write_json(model_path.parent / MANIFEST_FILE, manifest)


def _describe(recipe: Recipe, io_type: str) -> dict[str, str]:
    description = {"file": recipe.file, "precision": str(recipe.precision)}
    if recipe.has_io_type:
        description["input"] = {
            "int8": "the pixel minus 128 (scale 1/255, zero point -128)",
            "uint8": "the pixel (scale 1/255, zero point 0)",
        }[io_type]
    elif recipe.precision == "int8":
        description["input"] = "uint8, the pixel"
    else:
        description["input"] = "float32, the pixel / 255"
    if recipe.precision == "int8":
        method = "post-training" if recipe.is_post_training else "quantization-aware training"
        description |= {"quantization": method, "activations": str(recipe.scheme)}
    return description


def _manifest_beside(model_path: Path) -> dict[str, Any] | None:
    if not (model_path.parent / MANIFEST_FILE).is_file():
        return None
    try:
        return read_manifest(model_path.parent)
    except StationError as error:
        raise UserError(str(error)) from None
