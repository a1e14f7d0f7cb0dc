"""Pictures of several pages, of which only the first one is used."""

from pathlib import Path
from typing import Any, Callable

from ganad_station.images import UnreadableImageError, open_header

NEW_SUBFILE_TYPE = 254
REDUCED = 1
"""The bit of that tag of a page which is a smaller copy of another one (TIFF 6.0, page 36)."""
TIFF = "TIFF"
SUFFIXES = (".tif", ".tiff")


def has_more_pages(image: Any) -> bool:
    """Return whether an opened TIFF file has further pages, besides a thumbnail of the first one.

    Args:
        image: A Pillow image. Afterwards, it stands at another page: use it for nothing else.
    """
    if image.format != TIFF or not getattr(image, "is_animated", False):
        return False
    try:
        image.seek(1)
        return not image.tag_v2.get(NEW_SUBFILE_TYPE, 0) & REDUCED
    except Exception:  # Pillow raises any exception for a damaged page, which counts as none.
        return False


class PagesNotice:
    """Says once that only the first page of files with several pages is used.

    Args:
        tell: Is called with the sentence.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._is_told = False

    def look_at(self, path: Path) -> None:
        """Look whether a file that could be read has several pages."""
        if self._is_told or path.suffix.lower() not in SUFFIXES:
            return
        try:
            with open_header(path) as image:
                self._is_told = has_more_pages(image)
        except UnreadableImageError:  # The file has gone since it was read.
            return
        if self._is_told:
            self._tell(f"{path} has several pages: only the first page of such files is used")
