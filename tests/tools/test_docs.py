import pytest

from ganad_tf.config.run_config import SETTINGS
from tools.docs import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    assert page == PAGES[name](), "run python -m tools.docs"


def test_the_page_of_settings_has_all_settings() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    for setting in SETTINGS.values():
        assert f"| `{setting.name}`" in page
        assert setting.description in page
    assert "| `epochs` `--epochs` | an integer (at least 1) | 10 (digits: 20, " in page
