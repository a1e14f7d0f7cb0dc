"""A bundle: the folder that a station gets."""

from pathlib import Path

from ganad_station.calibration import Calibration
from ganad_station.errors import StationError
from ganad_station.files import sha256
from ganad_station.manifest import Manifest


class Bundle:
    """A bundle whose files are those that its manifest names, byte by byte.

    Args:
        folder: Path of the bundle.
        manifest: Content of its manifest.
        threshold: Scores above it are NG.
    """

    def __init__(self, folder: Path, manifest: Manifest, threshold: float) -> None:
        self.folder = folder
        self.manifest = manifest
        self.threshold = threshold

    @classmethod
    def open(cls, folder: Path, with_calibration: bool = True) -> "Bundle":
        """Open a bundle and check every file against its SHA-256.

        Args:
            folder: Path of the bundle.
            with_calibration: Whether the threshold of the last calibration, if there was one,
                takes the place of the exported one.

        Raises:
            StationError: If the manifest or the calibration cannot be used, or a file is missing
                or changed.
        """
        manifest = Manifest.read(folder)
        calibration = Calibration.read(folder) if with_calibration else None
        for name, expected in manifest.files.items():
            path = folder / name
            if not path.is_file():
                raise StationError(f"{path} is missing: copy the whole bundle again")
            if sha256(path) != expected:
                raise StationError(
                    f"{path} is not the file that was verified (its SHA-256 differs): "
                    "copy the bundle again"
                )
        threshold = calibration.threshold if calibration else manifest.threshold.value
        return cls(folder, manifest, threshold)

    @property
    def selftest_image(self) -> Path:
        """Path of the stored image."""
        return self.folder / self.manifest.selftest.image
