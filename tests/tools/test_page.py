from pathlib import Path

import pytest

from ganad_tf.errors import UserError
from tools.experiments.page import FOLDER, PAGE, refresh

ROOT = Path(__file__).parents[2]


def test_the_page_has_the_tables_that_the_runners_wrote() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert refresh(page, ROOT / FOLDER, FOLDER.name) == page


def test_links_and_headings_of_a_table_are_moved(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "table.md").write_text("# T\n\n[a](a.json) [b](https://b.org)\n")
    page = "before\n<!-- table: mnist/table.md -->\nold\n<!-- end -->\nafter\n"
    expected = (
        "before\n<!-- table: mnist/table.md -->\n\n### T\n\n"
        "[a](results/mnist/a.json) [b](https://b.org)\n\n<!-- end -->\nafter\n"
    )
    assert refresh(page, tmp_path, "results") == expected
    assert refresh(expected, tmp_path, "results") == expected


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mnist/table\.md does not exist"):
        refresh("<!-- table: mnist/table.md -->\n<!-- end -->", tmp_path, "results")
