"""A bundle: the folder that a station gets."""

from pathlib import Path
from typing import Optional

from ganad_station.calibration import Calibration
from ganad_station.errors import StationError
from ganad_station.files import sha256
from ganad_station.manifest import Manifest


class Bundle:
    """A bundle whose files are those that its manifest names, byte by byte.

    Args:
        folder: Path of the bundle.
        manifest: Content of its manifest.
        calibration: The calibration whose threshold takes the place of the exported ones, if any.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, calibration: Optional[Calibration] = None
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self._calibration = calibration

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
        return cls(folder, manifest, calibration)

    @property
    def threshold(self) -> float:
        """The largest score of the preferred model that is accepted."""
        return self.threshold_of(self.manifest.models[0].file)

    def threshold_of(self, model_name: str) -> float:
        """Return the largest score that is accepted under a model.

        A calibration is of one model. Another model gets that threshold, too, moved by as much as
        the exported thresholds of the two differ.

        Args:
            model_name: File name of the model.
        """
        exported = self.manifest.thresholds[self.manifest.exported_name(model_name)].value
        if self._calibration is None:
            return exported
        calibrated = self.manifest.exported_name(self._calibration.model)
        return self._calibration.threshold + (exported - self.manifest.thresholds[calibrated].value)

    @property
    def selftest_image(self) -> Path:
        """Path of the stored image."""
        return self.folder / self.manifest.selftest.image
