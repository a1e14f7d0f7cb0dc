"""Brings the tables in docs/results.md up to date with the pages of their folders.

Between `<!-- table: mnist/table.md -->` and `<!-- end -->` stands the content of that file of
docs/results, with its links and headings changed to where it stands.
"""

import re
from pathlib import Path

from ganad_tf.errors import UserError

PAGE = Path("docs/results.md")
FOLDER = Path("docs/results")
REGION = re.compile(r"(<!-- table: (?P<path>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
HEADING = re.compile(r"^#", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|/|#)")


def refresh(page: str, folder: Path, prefix: str) -> str:
    """Return a page with the present content of each table.

    Args:
        page: Markdown with regions.
        folder: The folder of the tables.
        prefix: Path of that folder, relative to that of the page.

    Raises:
        UserError: If a table is missing.
    """

    def fill(region: re.Match[str]) -> str:
        path = folder / region["path"]
        if not path.is_file():
            raise UserError(f"{path} does not exist: make it, or take its region out of the page")
        base = Path(prefix, region["path"]).parent.as_posix()
        table = LINK.sub(f"]({base}/", HEADING.sub("###", path.read_text(encoding="utf-8")))
        return f"{region[1]}\n{table.strip()}\n\n{region[3]}"

    return REGION.sub(fill, page)
