"""The heat maps that the operator's page shows: of the newest parts and the newest NG parts."""

import re
from pathlib import Path

from ganad_station.errors import StationError
from ganad_station.heatmap import save_heatmap
from ganad_station.inspector import Inspection
from ganad_station.journal.reader import JournalReader
from ganad_station.journal.records import NG

HEATMAP_FOLDER = "heatmaps"
NEWEST = 20
NEWEST_NG = 50
OWN_NAME = re.compile(r"(\.\d+\.)?\d+\.png")
"""Names of heat maps, and of what a killed process left of one; other files are not touched."""


class RecentHeatmaps:
    """The folder `heatmaps`, with `<id>.png` for each of the newest parts.

    Args:
        folder: The folder of results, which contains it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / HEATMAP_FOLDER
        self.folder.mkdir(exist_ok=True)

    def add(self, part_id: int, inspection: Inspection) -> None:
        """Write the heat map of a part.

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

    def prune(self, journal: JournalReader) -> None:
        """Remove heat maps that are no longer shown, and what a killed process left."""
        shown = journal.newest(NEWEST) + journal.newest_with(NG, NEWEST_NG)
        names = {f"{part.id}.png" for part in shown}
        for path in self.folder.iterdir():
            if OWN_NAME.fullmatch(path.name) and path.name not in names:
                path.unlink()
