"""What a threshold says about itself."""

import pytest

from ganad_station.threshold import (
    ORDER_STATISTIC,
    TOLERANCE_BOUND,
    Threshold,
    describe_promise,
    describe_threshold,
    parts_needed,
)


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        (
            Threshold(0.1, 0.001, ORDER_STATISTIC, "25 images"),
            "rejects at most 0.1 % of these pictures and promises nothing about new parts",
        ),
        (
            Threshold(0.1, 0.01, TOLERANCE_BOUND, "good parts", 0.95, 300, 0.01),
            "promises at most 1 % false rejects with 95 % confidence (300 good parts)",
        ),
        (
            Threshold(0.1, 0.112918, TOLERANCE_BOUND, "good parts", 0.95, 25, 0.01),
            (
                "promises at most 11.3 % false rejects with 95 % confidence "
                "(25 good parts; 1 % takes 299)"
            ),
        ),
        (
            Threshold(0.1, 0.95, TOLERANCE_BOUND, "good parts", 0.95, 1, 0.1),
            "promises at most 95 % false rejects with 95 % confidence (1 good part; 10 % takes 29)",
        ),
        (
            Threshold(0.1, 0.01, TOLERANCE_BOUND, "300 parts, 95 % confidence"),
            "promises at most 1 % false rejects",
        ),
    ],
)
def test_the_promise_in_words(threshold: Threshold, said: str) -> None:
    assert describe_promise(threshold) == said
    assert describe_threshold(threshold) == f"0.10000, set on {threshold.calibrated_on}: it {said}"


@pytest.mark.parametrize("rate", [0.11291807, 0.1121, 0.00123499])
def test_a_promised_rate_is_never_rounded_down(rate: float) -> None:
    said = describe_promise(Threshold(0.1, rate, TOLERANCE_BOUND, "parts", 0.95))
    shown = float(said.split()[3]) / 100
    assert rate <= shown <= 1.01 * rate


@pytest.mark.parametrize("count", [1, 2, 25, 53, 299, 5000])
def test_the_rate_that_parts_can_promise_takes_that_many_parts(count: int) -> None:
    assert parts_needed(1 - 0.05 ** (1 / count), 0.95) == count
