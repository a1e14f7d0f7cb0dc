"""Intervals hold the truth as often as they say, with fewer draws than docs/coverage.md."""

import pytest

from tools import coverage

DRAWS = 600
CHANCE = 0.025
"""Three standard deviations of the fraction of these draws that hold the truth."""


def assert_honest(row: coverage.Row) -> None:
    assert min(row.coverage) >= coverage.LEAST - CHANCE, row


@pytest.mark.slow
@pytest.mark.parametrize("count", coverage.COUNTS)
@pytest.mark.parametrize("name", coverage.DISTRIBUTIONS)
def test_the_auroc(name: str, count: int) -> None:
    assert_honest(coverage.auroc_row(name, count, DRAWS))


@pytest.mark.slow
@pytest.mark.parametrize("count", coverage.COUNTS)
def test_the_auroc_of_parts_with_several_pictures(count: int) -> None:
    assert_honest(coverage.auroc_of_parts_row(count, DRAWS))


@pytest.mark.parametrize("count", coverage.COUNTS)
def test_rates(count: int) -> None:
    assert min(coverage.proportion_row(count).coverage) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("count", [*coverage.COUNTS, 299, 400])
def test_the_promise(count: int) -> None:
    assert_honest(coverage.promise_row(count, DRAWS))


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 20])
@pytest.mark.parametrize("name", coverage.FIGURES)
def test_figures_with_resamples(name: str, count: int) -> None:
    row = coverage.resampled_row(name, count, 60)
    assert min(row.coverage) >= 0.85


def test_the_page_marks_what_misses_the_goal() -> None:
    rows = [
        coverage.Row("a rate", ("0.1", "0.5"), 5, (0.939, 1.0)),
        coverage.Row("a rate", ("0.1", "0.5"), 20, (0.95, 0.995)),
    ]
    page = coverage.page(rows, 100)
    assert "| 5 | **93.9** | 100.0 |" in page
    assert "| 20 | 95.0 | **99.5** |" in page
    assert page.count("### A rate") == 1
