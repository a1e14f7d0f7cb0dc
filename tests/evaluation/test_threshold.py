import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganad_station.threshold import ORDER_STATISTIC, TOLERANCE_BOUND, Threshold
from ganad_tf.errors import UserError
from ganad_tf.evaluation.threshold import describe_threshold, order_statistic, set_threshold


@settings(max_examples=100)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.floats(0, 0.99),
)
def test_threshold_keeps_the_false_reject_rate_and_is_as_low_as_that_allows(
    scores: list[float], rate: float
) -> None:
    normal = np.array(scores)
    threshold = order_statistic(normal, rate)
    assert (normal > threshold).mean() <= rate
    lower = normal[normal < threshold]
    if len(lower):
        assert (normal > lower.max()).sum() > np.floor(rate * len(normal))


@pytest.mark.parametrize("rate", [-0.5, 1.0, 3.0, float("nan")])
def test_rates_out_of_range_are_refused(rate: float) -> None:
    with pytest.raises(UserError, match="must be in"):
        order_statistic(np.arange(4.0), rate)


def test_a_threshold_knows_what_it_was_set_on() -> None:
    threshold = set_threshold(np.arange(100.0), 0.1, "some images")
    assert threshold == Threshold(89.0, 0.1, ORDER_STATISTIC, "some images")


@pytest.mark.parametrize("method", [ORDER_STATISTIC, TOLERANCE_BOUND])
def test_the_description_has_value_rate_and_origin(method: str) -> None:
    described = describe_threshold(Threshold(0.123456, 0.001, method, "25 images"))
    assert described == "0.12346 (for 0.1 % false rejects, set on 25 images)"
