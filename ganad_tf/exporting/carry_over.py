"""What stays in a bundle that is exported again: all that export and verify did not write.

A calibration stays in force if it is of a model file that is the same, byte by byte, and scores are
computed from the same images by the same rule. Otherwise, it is renamed to `VOID_CALIBRATION_FILE`,
which nothing reads. A file that was compiled for a device stays if the model file that it stands
for is the same; otherwise, it is left out, since stations would prefer it. Notes and other files of
the user always stay.
"""

import logging
import os
import shutil
from pathlib import Path

from ganad_station.calibration import CALIBRATION_FILE, Calibration
from ganad_station.choice import COMPILED_FOR_THE_DEVICE
from ganad_station.errors import StationError
from ganad_station.files import sha256
from ganad_station.manifest import MANIFEST_FILE, Manifest
from ganad_station.threshold import describe_threshold
from ganad_tf.exporting.verify import EVIDENCE_FOLDER
from ganad_tf.system.files import TEMPORARY
from ganad_tf.targets.profile import PAGE_FILE

VOID_CALIBRATION_FILE = "calibration.void.json"
UNREADABLE = f"its {MANIFEST_FILE} cannot be read"

logger = logging.getLogger(__name__)


def carry_over(old: Path, new: Path, manifest: Manifest) -> None:
    """Take over what others than export have put into a bundle, and log what became of it.

    Args:
        old: The bundle that is to be replaced; may be missing.
        new: The folder that is to replace it, complete but for this.
        manifest: The manifest of `new`.
    """
    if not old.is_dir():
        return
    former = _read_manifest(old)
    exported = {MANIFEST_FILE, EVIDENCE_FOLDER, *(former.files if former else ())}
    kept = []
    for path in sorted(old.iterdir()):
        name = path.name
        if name == CALIBRATION_FILE or name.startswith(TEMPORARY) or os.path.lexists(new / name):
            continue
        if name in COMPILED_FOR_THE_DEVICE:
            problem = _why_to_compile_again(path, former, manifest)
            if problem:
                logger.warning(
                    "%s is left out: %s; compile it again, see %s", path, problem, PAGE_FILE
                )
                continue
        elif name in exported:
            continue
        _take(path, new / name)
        kept.append(name)
    if kept:
        logger.info("kept in %s: %s", old, ", ".join(kept))
    # A calibration may be of a compiled file: by now, those that stay are there.
    if (old / CALIBRATION_FILE).is_file():
        _carry_over_calibration(old, new, former, manifest)


def _carry_over_calibration(
    old: Path, new: Path, former: Manifest | None, manifest: Manifest
) -> None:
    try:
        calibration = Calibration.read(old)
    except StationError:
        calibration = None
    problem: str | None
    if former is None:
        problem = UNREADABLE
    elif calibration is None:
        problem = "it is damaged, or is of another model than the bundle had"
    else:
        problem = _why_void(calibration, new, former, manifest)
    if calibration is None or problem:
        (new / VOID_CALIBRATION_FILE).unlink(missing_ok=True)
        _take(old / CALIBRATION_FILE, new / VOID_CALIBRATION_FILE)
        logger.warning(
            "calibration of %s is void: %s; calibrate again with ganad-tf calibrate or station.pyz "
            "calibrate (the old one is now %s, which nothing reads)",
            old,
            problem,
            VOID_CALIBRATION_FILE,
        )
    else:
        _take(old / CALIBRATION_FILE, new / CALIBRATION_FILE)
        logger.info(
            "calibration of %s is kept, threshold %s; to use the exported one, remove %s",
            old,
            describe_threshold(calibration.to_threshold()),
            CALIBRATION_FILE,
        )


def _why_void(
    calibration: Calibration, new: Path, former: Manifest, manifest: Manifest
) -> str | None:
    """Return why a calibration does not hold for the new bundle, None if it does."""
    model = new / Path(calibration.model).name
    if not model.is_file():
        return f"{model.name} is gone"
    if sha256(model) != calibration.sha256:
        return f"{model.name} has changed"
    if former.score != manifest.score:
        return "the score rule has changed"
    if former.input != manifest.input:
        return "the size, the fit, the channels or the illumination of the images have changed"
    return None


def _why_to_compile_again(path: Path, former: Manifest | None, manifest: Manifest) -> str | None:
    """Return why a file that was compiled for a device does not fit any more, None if it does."""
    if former is None:
        return UNREADABLE
    source = manifest.exported_name(path.name)
    if former.files.get(source) != manifest.files[source]:
        return f"{source}, which it was compiled from, has changed"
    if former.files.get(path.name) not in (None, sha256(path)):
        return f"it is not the file that {MANIFEST_FILE} described"
    return None


def _read_manifest(folder: Path) -> Manifest | None:
    try:
        return Manifest.read(folder)
    except StationError:
        return None


def _take(source: Path, destination: Path) -> None:
    """Link a file or a folder of files to a second place, or copy it where links cannot be made."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, destination, symlinks=True, copy_function=_take_file)
    else:
        _take_file(source, destination)


def _take_file(source: str | Path, destination: str | Path) -> None:
    try:
        os.link(source, destination, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, destination, follow_symlinks=False)
