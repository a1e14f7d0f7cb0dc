"""The heat maps that the operator's page shows: those of the newest parts and the newest NG."""

import re
from pathlib import Path

from ganad_station.errors import StationError
from ganad_station.heatmap import save_heatmap
from ganad_station.inspector import Inspection
from ganad_station.journal import NG, JournalReader

HEATMAP_FOLDER = "heatmaps"
NEWEST = 20
NEWEST_NG = 50
OWN_NAME = re.compile(r"(\.\d+\.)?\d+\.png")
"""A heat map, or what a killed process left of one; what others put there is theirs."""


class Shelf:
    """A folder with `<id>.png` of the newest parts.

    Args:
        folder: The folder that holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / HEATMAP_FOLDER
        self.folder.mkdir(exist_ok=True)

    def put(self, part_id: int, inspection: Inspection) -> None:
        """Write the heat map of a part, whole or not at all.

        Raises:
            StationError: If the disk is full.
        """
        path = self.folder / f"{part_id}.png"
        try:
            save_heatmap(inspection, path)
        except OSError as error:
            raise StationError(
                f"{path} cannot be written ({error.strerror or error}): "
                "free space on its disk, then start again"
            ) from None

    def tidy(self, journal: JournalReader) -> None:
        """Remove what is no longer shown, and what a killed process left."""
        shown = journal.newest(NEWEST) + journal.newest_with(NG, NEWEST_NG)
        names = {f"{part.id}.png" for part in shown}
        for path in self.folder.iterdir():
            if OWN_NAME.fullmatch(path.name) and path.name not in names:
                path.unlink()
