"""CONTRIBUTING.md knows every package, and the places that it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BOARDS = ROOT / "ganad_tf" / "targets"
ROOMS = ("ganad_tf", "export/ganad_station", "tools")
PARTS_OF_A_TABLE = {"tools/bench/train", "tools/experiments/baselines", "tools/experiments/studies"}
"""Packages that the line of the package around them describes."""


def packages() -> list[str]:
    found = [path.parent for room in ROOMS for path in (ROOT / room).rglob("*/__init__.py")]
    names = {path.relative_to(ROOT).as_posix() for path in found}
    return sorted(names - PARTS_OF_A_TABLE)


@pytest.mark.parametrize("package", packages())
def test_every_package_has_a_line(package: str) -> None:
    assert f"| `{package}/` |" in TEXT


def test_every_board_is_named() -> None:
    for page in BOARDS.glob("*/README.md"):
        assert f"{page.parent.name}/`" in TEXT


def test_the_places_that_it_names_exist() -> None:
    places = re.findall(r"`((?:ganad_tf|export|tools|tests|docs)/[\w./-]+)`", TEXT)
    assert len(places) > 20
    for place in places:
        assert (ROOT / place).exists(), place
