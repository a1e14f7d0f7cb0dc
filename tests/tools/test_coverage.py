"""Intervals hold the truth as often as they say, with fewer draws than docs/coverage.md."""

from collections.abc import Callable

import pytest

from ganad_tf.evaluation.words import parts_to_resolve
from tools.coverage import page, rows

DRAWS = 600
CHANCE = 0.025
"""Three standard deviations of the fraction of these draws that hold the truth."""


def assert_honest(row: rows.Row) -> None:
    assert min(row.coverage) >= page.LEAST - CHANCE, row


@pytest.mark.slow
@pytest.mark.parametrize("count", rows.COUNTS)
@pytest.mark.parametrize("name", rows.DISTRIBUTIONS)
def test_the_auroc(name: str, count: int) -> None:
    assert_honest(rows.auroc_row(name, count, DRAWS))


@pytest.mark.slow
@pytest.mark.parametrize("count", rows.COUNTS)
def test_the_auroc_of_parts_with_several_pictures(count: int) -> None:
    assert_honest(rows.auroc_of_parts_row(count, DRAWS))


@pytest.mark.parametrize("count", rows.COUNTS)
def test_rates(count: int) -> None:
    assert min(rows.proportion_row(count).coverage) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("count", [*rows.COUNTS, 299, 400])
def test_the_promise(count: int) -> None:
    assert_honest(rows.promise_row(count, DRAWS))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"),
    [
        (name, count)
        for name in rows.FIGURES
        for count in (5, 20)
        if name != rows.FOUND or count >= parts_to_resolve(rows.FOUND_AT)
    ],
)
def test_figures_with_resamples(name: str, count: int) -> None:
    row = rows.resampled_row(name, count, 40)
    assert min(row.coverage) >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 20, 100])
@pytest.mark.parametrize("make_row", [rows.drop_row, rows.rise_row])
def test_the_bounds_of_a_verification(make_row: Callable, count: int) -> None:
    for move in rows.MOVES:
        assert_honest(make_row(move, count, 200))


def test_the_page_marks_what_misses_the_goal() -> None:
    found = [
        rows.Row("a rate", ("0.1", "0.5"), 5, (0.939, 1.0)),
        rows.Row("a rate", ("0.1", "0.5"), 20, (0.95, 0.995)),
    ]
    text = page.page(found, 100, 2)
    assert "| 5 | **93.9** | 100.0 |" in text
    assert "| 20 | 95.0 | **99.5** |" in text
    assert text.count("### A rate") == 1
