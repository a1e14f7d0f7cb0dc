"""A bundle: the folder that a station gets, and the manifest that describes it."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ganad_station.errors import StationError
from ganad_station.illumination import ILLUMINATIONS
from ganad_station.score import ScoreRule

MANIFEST_FILE = "manifest.json"
CALIBRATION_FILE = "calibration.json"
SCHEMA_VERSION = 5
REQUIRED_KEYS = (
    *("files", "input", "models", "run", "schema_version", "score"),
    *("selftest", "target", "threshold", "verification"),
)


class ModelEntry(NamedTuple):
    """A model of a bundle.

    Attributes:
        file: Its name.
        precision: Its number format, such as `int8`.
    """

    file: str
    precision: str


class Bundle:
    """A bundle whose files are those that its manifest names, byte by byte.

    Args:
        folder: Where it is.
        manifest: What `manifest.json` says.
        threshold: Scores above it are NG.
    """

    def __init__(self, folder: Path, manifest: Dict[str, Any], threshold: float) -> None:
        self.folder = folder
        self.manifest = manifest
        self.threshold = threshold

    @classmethod
    def open(cls, folder: Path, with_calibration: bool = True) -> "Bundle":
        """Open a bundle and check every file against its SHA-256.

        Args:
            folder: Where it is.
            with_calibration: Whether its threshold is that of the last calibration, if there was
                one, or that of the export.

        Raises:
            StationError: If the folder is no bundle, one of another schema version, a file is
                missing or changed, or the calibration is damaged or that of other models.
        """
        manifest = read_manifest(folder)
        calibrated = _read_calibration(folder) if with_calibration else None
        exported = manifest["threshold"]["value"]
        bundle = cls(folder, manifest, exported if calibrated is None else calibrated)
        for name, expected in bundle.manifest["files"].items():
            path = folder / name
            if not path.is_file():
                raise StationError(f"{path} is missing: copy the whole bundle again")
            if sha256(path) != expected:
                raise StationError(
                    f"{path} is not the file that was verified (its SHA-256 differs): "
                    "copy the bundle again"
                )
        return bundle

    @property
    def target(self) -> str:
        """The kind of station that it was made for."""
        return self.manifest["target"]

    @property
    def run(self) -> str:
        """Id of the training run that it comes from."""
        return self.manifest["run"]

    @property
    def image_shape(self) -> Tuple[int, int, int]:
        """Height, width and channels of the images that the models take."""
        entry = self.manifest["input"]
        return entry["height"], entry["width"], entry["channels"]

    @property
    def illumination(self) -> str:
        """What is evened out of a picture, see `ganad_station.illumination.even_out`."""
        return self.manifest["input"]["illumination"]

    @property
    def score_rule(self) -> ScoreRule:
        """What a score is the mean of."""
        entry = self.manifest["score"]
        return ScoreRule(*(entry[key] for key in ScoreRule._fields))

    @property
    def is_verified(self) -> bool:
        """Whether every model decided like the float model when it was verified."""
        return bool(self.models) and all(
            self.manifest["verification"].get(model.file, {}).get("is_verified", False)
            for model in self.models
        )

    @property
    def models(self) -> List[ModelEntry]:
        """The models, the best for this target first."""
        return [ModelEntry(entry["file"], entry["precision"]) for entry in self.manifest["models"]]


def read_manifest(folder: Path) -> Dict[str, Any]:
    """Read the manifest of a bundle.

    Raises:
        StationError: If it is missing, damaged, or of another schema version.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise StationError(f"{folder} is no bundle (no {MANIFEST_FILE}): name one with --bundle")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StationError(f"{path} cannot be read ({error}): copy it again") from None
    if not isinstance(manifest, dict) or "schema_version" not in manifest:
        raise StationError(f"{path} is no manifest: export the bundle again")
    version = manifest["schema_version"]
    if version != SCHEMA_VERSION:
        raise StationError(
            f"{path} has schema version {version}, this program reads {SCHEMA_VERSION}: "
            "run the station.pyz that came with it, or export the bundle again"
        )
    missing = [key for key in REQUIRED_KEYS if key not in manifest]
    if missing:
        raise StationError(f"{path} lacks {missing[0]!r}: export the bundle again")
    if not _is_consistent(manifest):
        raise StationError(f"{path} contradicts itself: export the bundle again")
    return manifest


def _read_calibration(folder: Path) -> Optional[float]:
    """Return the threshold of the last calibration, or None if there was none."""
    path = folder / CALIBRATION_FILE
    if not path.is_file():
        return None
    try:
        calibration = json.loads(path.read_text(encoding="utf-8"))
        threshold = float(calibration["threshold"])
        model, expected = folder / calibration["model"], calibration["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StationError(
            f"{path} is damaged ({error!r}): calibrate again, or remove it"
        ) from None
    if not 0 <= threshold < float("inf"):
        raise StationError(f"{path} has the threshold {threshold}: calibrate again, or remove it")
    if not model.is_file() or sha256(model) != expected:
        raise StationError(f"{path} is not of this bundle's models: calibrate again, or remove it")
    return threshold


def _is_consistent(manifest: Dict[str, Any]) -> bool:
    try:
        used = {entry["file"] for entry in manifest["models"]} | {manifest["selftest"]["image"]}
        height, width, channels = (
            manifest["input"][key] for key in ("height", "width", "channels")
        )
        rule = ScoreRule(*(manifest["score"][key] for key in ScoreRule._fields))
        return (
            bool(manifest["models"])
            and used <= set(manifest["files"])
            and all(isinstance(number, int) for number in (height, width, channels, *rule))
            and manifest["input"]["illumination"] in ILLUMINATIONS
            and rule.problem(height, width) is None
            and 0 <= float(manifest["threshold"]["value"]) < float("inf")
            and isinstance(manifest["selftest"]["scores"], dict)
            and isinstance(manifest["verification"], dict)
        )
    except (KeyError, TypeError, ValueError):
        return False


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
