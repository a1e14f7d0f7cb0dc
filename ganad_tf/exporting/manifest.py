"""Writing the manifest of a bundle, which `ganad_station.manifest` defines and reads."""

import dataclasses
from pathlib import Path

from ganad_station.files import sha256
from ganad_station.manifest import MANIFEST_FILE, Manifest, ModelEntry
from ganad_station.verification import VerificationEntry
from ganad_tf.errors import UserError, station_errors_as_user_errors
from ganad_tf.run import Run
from ganad_tf.system.files import write_json
from ganad_tf.targets.recipe import Precision, Recipe

TFLITE_INPUTS = {
    "int8": "the pixel minus 128 (scale 1/255, zero point -128)",
    "uint8": "the pixel (scale 1/255, zero point 0)",
}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a bundle."""
    write_json(folder / MANIFEST_FILE, manifest.to_dict())


def hash_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder, by file name."""
    return {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file()}


def describe_model(recipe: Recipe, io_type: str) -> ModelEntry:
    """Describe a model file for the manifest.

    Args:
        recipe: How the file was made.
        io_type: Input and output of int8 TFLite files, `int8` or `uint8`.
    """
    if recipe.precision != Precision.INT8:
        return ModelEntry(recipe.file, str(recipe.precision), "float32, the pixel / 255")
    return ModelEntry(
        file=recipe.file,
        precision=str(recipe.precision),
        input=TFLITE_INPUTS[io_type] if recipe.has_io_type else "uint8, the pixel",
        quantization="post-training" if recipe.is_post_training else "quantization-aware training",
        activations=str(recipe.scheme),
    )


def check_origin(model_path: Path, run: Run) -> None:
    """Check that a model file is the one that the manifest beside it describes, if there is one.

    Raises:
        UserError: If the manifest cannot be used, describes another file, or names another run.
    """
    manifest = manifest_beside(model_path)
    if manifest is None:
        return
    if manifest.run != run.identity.id:
        raise UserError(
            f"{model_path} was exported from run {manifest.run}, not from {run.folder}: "
            "name the right one with --run, or export again"
        )
    if model_path.is_file() and manifest.files.get(model_path.name) != sha256(model_path):
        raise UserError(
            f"{model_path} is not the file that {model_path.parent / MANIFEST_FILE} describes: "
            "export it again"
        )


def record_verification(model_path: Path, outcome: VerificationEntry) -> None:
    """Record the outcome of a verification in the manifest beside the model, if there is one.

    Raises:
        UserError: If the manifest cannot be used.
    """
    manifest = manifest_beside(model_path)
    if manifest is not None:
        verification = {**manifest.verification, model_path.name: outcome}
        write_manifest(model_path.parent, dataclasses.replace(manifest, verification=verification))


def manifest_beside(model_path: Path) -> Manifest | None:
    """Return the manifest of the bundle that a model file is in, None if it is in none.

    Raises:
        UserError: If the manifest cannot be used.
    """
    if not (model_path.parent / MANIFEST_FILE).is_file():
        return None
    with station_errors_as_user_errors():
        return Manifest.read(model_path.parent)
