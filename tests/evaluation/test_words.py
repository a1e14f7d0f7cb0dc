import pytest

from ganad_tf.evaluation.intervals import Estimate
from ganad_tf.evaluation.words import (
    describe_unresolved,
    describe_verdict,
    is_chance,
    parts_to_resolve,
)

GOOD_AUROC = Estimate(0.98, 0.95, 0.99)


def test_the_verdict_is_in_parts_of_a_hundred() -> None:
    verdict = describe_verdict(GOOD_AUROC, Estimate(0.06, 0, 0.29), Estimate(0.01, 0.002, 0.054))
    assert verdict == (
        "Finds 94 of 100 defects (95 % sure: 71 to 100) while rejecting 1 of 100 good parts "
        "(95 % sure: 0 to 6)."
    )


def test_the_verdict_is_never_rounded_in_favour_of_the_detector() -> None:
    verdict = describe_verdict(GOOD_AUROC, Estimate(0.001, 0, 0.02), Estimate(0.001, 0, 0.02))
    assert verdict.startswith("Finds 99 of 100")
    assert "rejecting 1 of 100" in verdict


@pytest.mark.parametrize(
    ("low", "chance"), [(0.3, True), (0.5, True), (0.51, False), (0.99, False)]
)
def test_chance_is_an_interval_that_holds_one_half(low: float, chance: bool) -> None:
    area = Estimate(0.99, low, 1.0)
    assert is_chance(area) == chance
    verdict = describe_verdict(area, Estimate(0, 0, 1), Estimate(0, 0, 1))
    assert verdict.startswith("No better than chance") == chance


@pytest.mark.parametrize(("rate", "parts"), [(0.001, 1000), (0.01, 100), (0.1, 10), (0.3, 4)])
def test_a_rate_takes_so_many_parts(rate: float, parts: int) -> None:
    assert parts_to_resolve(rate) == parts
    assert f"takes {parts:,} good parts, there are 3" in describe_unresolved(rate, 3)
