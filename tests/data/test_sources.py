"""Settings that do not fit a data set are refused."""

import pytest

from ganad_tf.config import DataConfig
from ganad_tf.data.sources import load_splits
from ganad_tf.errors import UserError


def test_unknown_source_and_class_out_of_range() -> None:
    with pytest.raises(UserError, match=r"unknown data set 'mnits': choose one of digits, mnist"):
        load_splits(DataConfig(dataset="mnits"), 0)
    with pytest.raises(UserError, match="normal class 10 is out of range"):
        load_splits(DataConfig(normal_class=10), 0)


def test_unseen_kinds_are_named() -> None:
    splits = load_splits(DataConfig(size=16, normal_class=2, unseen_kinds=("7", "9")), 0)
    assert {7, 9} <= set(splits.test.data.kinds.tolist())
    for split in (splits.train, splits.validation):
        assert not {7, 9} & set(split.data.kinds.tolist())


@pytest.mark.parametrize("name", ["2", "seven"])
def test_unseen_kinds_that_are_no_anomalies_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=rf"'{name}' is not a kind .* among 0, 1, 3, 4, .*, 9$"):
        load_splits(DataConfig(size=16, normal_class=2, unseen_kinds=(name,)), 0)
