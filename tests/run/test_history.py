import pytest

from ganad_tf.run.history import best_epoch


@pytest.mark.parametrize(
    ("aurocs", "best"), [([0.5], 0), ([0.9, 0.8], 0), ([0.9, 0.9, 0.8], 1), ([0.1, 0.2, 0.3], 2)]
)
def test_of_equal_epochs_the_last_is_best(aurocs: list[float], best: int) -> None:
    assert best_epoch(aurocs) == best
