"""What the structure of the code promises, beyond the layers that import-linter checks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("ganad_tf", "export/ganad_station", "tools")
LONGEST_MODULE = 300
NAMES_IN_THE_ROOT = {"__init__", "__main__", "errors", "version"}
COMPARISON = re.compile(r"(?<![-=])(?:[<>]=? *[\w.]*threshold|threshold(?:\.value)? *[<>])(?!\w)")
NOTHING_SAID = re.compile(
    r"^\s+\w+: (?:(?:Its|The|A|Their|This) \w+|Which|The same)\.$", re.MULTILINE
)


def modules() -> list[str]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@pytest.mark.parametrize("module", modules())
def test_a_module_is_short_and_its_descriptions_say_something(module: str) -> None:
    text = (ROOT / module).read_text()
    assert text.count("\n") <= LONGEST_MODULE or "This module is longer than others because" in text
    assert NOTHING_SAID.findall(text) == []


def test_the_root_of_the_package_holds_packages() -> None:
    assert {path.stem for path in (ROOT / "ganad_tf").glob("*.py")} == NAMES_IN_THE_ROOT


def test_scores_are_compared_with_a_threshold_in_one_place() -> None:
    found = [name for name in modules() if COMPARISON.search((ROOT / name).read_text())]
    assert found == []
    places = [
        name
        for name in modules()
        if "np.less_equal(scores, threshold)" in (ROOT / name).read_text()
    ]
    assert places == ["export/ganad_station/threshold.py"]
