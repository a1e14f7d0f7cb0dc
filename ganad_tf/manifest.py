"""What a bundle holds beside its model: the manifest says what the model is."""

import hashlib
from pathlib import Path
from typing import Any

from ganad_tf import __version__
from ganad_tf.errors import UserError
from ganad_tf.files import read_json, write_json
from ganad_tf.runs import Run

MANIFEST_FILE = "manifest.json"
VERIFICATION_FILE = "verification.json"
AGREEMENT_PLOT = "agreement.png"
SCHEMA_VERSION = 1
REQUIRED_KEYS = frozenset({"schema_version", "run", "files"})


def write_manifest(model_path: Path, run: Run, variant: str, image_shape: tuple[int, ...]) -> None:
    """Write the manifest of a bundle that is not verified yet.

    Args:
        model_path: The model file; the manifest goes beside it.
        run: The run that it was exported from.
        variant: How it was made, such as `int8` or `int8-ptq`.
        image_shape: Height, width and channels of the input.
    """
    height, width, channels = image_shape
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "ganad_tf": __version__,
        "run": run.identity["id"],
        "variant": variant,
        "files": {model_path.name: _sha256(model_path)},
        "input": {"height": height, "width": width, "channels": channels, "range": [0, 1]},
        "score": "mean absolute reconstruction error",
        "verified": False,
    }
    write_json(model_path.parent / MANIFEST_FILE, manifest)


def read_manifest(model_path: Path) -> dict[str, Any] | None:
    """Return the manifest beside a model file, None if there is none.

    Raises:
        UserError: If it is damaged, of another schema version, or belongs to another file.
    """
    path = model_path.parent / MANIFEST_FILE
    if not path.is_file():
        return None
    manifest = read_json(path, "export the model again")
    missing = REQUIRED_KEYS - set(manifest if isinstance(manifest, dict) else ())
    if missing:
        raise UserError(f"{path} lacks {min(missing)!r}: export the model again")
    version = manifest["schema_version"]
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema version {version}, this ganad-tf reads {SCHEMA_VERSION}: "
            "export the model again"
        )
    if model_path.is_file() and manifest["files"] != {model_path.name: _sha256(model_path)}:
        raise UserError(f"{model_path} is not the file that {path} describes: export it again")
    return manifest


def check_origin(model_path: Path, run: Run) -> None:
    """Raise `UserError` if the manifest beside a model file names another run."""
    manifest = read_manifest(model_path)
    if manifest is not None and manifest["run"] != run.identity["id"]:
        raise UserError(
            f"{model_path} was exported from run {manifest['run']}, not from {run.folder}: "
            "name the right one with --run, or export again"
        )


def mark_verified(model_path: Path, is_verified: bool) -> None:
    """Record the outcome of a verification in the manifest, if there is one."""
    manifest = read_manifest(model_path)
    if manifest is not None:
        write_json(model_path.parent / MANIFEST_FILE, {**manifest, "verified": is_verified})


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
