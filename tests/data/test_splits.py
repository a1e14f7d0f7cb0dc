import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.splits import _divide, check_both_classes, split_images
from ganad_tf.errors import UserError


def labeled(counts: dict[tuple[int, str], int], groups: np.ndarray | None = None) -> LabeledImages:
    """Images of (kind, prescribed split), each with a value, and by default a group, of its own."""
    kinds = np.concatenate([np.full(n, kind) for (kind, _), n in counts.items()])
    split = np.concatenate([np.full(n, name) for (_, name), n in counts.items()])
    total = len(kinds)
    images = np.arange(total, dtype=np.uint16).view(np.uint8).reshape(total, 1, 2, 1)
    names = np.arange(total).astype(str)
    groups = np.arange(total) if groups is None else groups
    kind_names = tuple(f"kind {k}" for k in range(4))
    return LabeledImages(images, kinds, kind_names, split, names, groups)


@settings(max_examples=30)
@given(
    st.lists(st.integers(10, 40), min_size=4, max_size=4),
    st.floats(0.1, 0.5),
    st.floats(0.1, 0.5),
    st.integers(0, 9),
)
def test_splits_are_apart_complete_and_stratified(
    sizes: list[int], validation: float, test: float, seed: int
) -> None:
    data = labeled({(kind, ""): size for kind, size in enumerate(sizes)})
    splits = split_images(data, 0, validation, test, seed)
    names = [set(split.data.names.tolist()) for _, split in splits.items()]
    assert sum(map(len, names)) == len(set.union(*names)) == len(data)
    for kind, size in enumerate(sizes):
        in_test = int((splits.test.data.kinds == kind).sum())
        assert in_test == max(1, round(test * size))
        in_validation = int((splits.validation.data.kinds == kind).sum())
        assert in_validation == max(1, round(validation * (size - in_test)))


@settings(max_examples=50)
@given(st.data(), st.floats(0.1, 0.5), st.floats(0.1, 0.5), st.integers(0, 9))
def test_a_group_is_in_one_split_whatever_its_kinds(
    drawn: st.DataObject, validation: float, test: float, seed: int
) -> None:
    sizes = (60, 40)
    groups = np.array(drawn.draw(st.lists(st.integers(0, 25), min_size=100, max_size=100)))
    # Whatever else, each kind has groups of its own, so that no split lacks it.
    groups[[0, 1, 2, 60, 61, 62]] = [30, 31, 32, 33, 34, 35]
    data = labeled({(0, ""): sizes[0], (1, ""): sizes[1]}, groups)
    try:
        splits = split_images(data, 0, validation, test, seed)
    except UserError:
        reject()
    found = [set(split.data.groups.tolist()) for _, split in splits.items()]
    assert sum(map(len, found)) == len(set.union(*found)) == len(np.unique(groups))
    largest = max(np.unique(groups, return_counts=True)[1])
    assert abs((splits.test.data.kinds == 0).sum() - test * sizes[0]) <= largest + 1


def test_undecided_pictures_follow_those_of_their_part_that_are_prescribed() -> None:
    counts = {(0, "train"): 20, (0, "test"): 10, (1, ""): 30}
    groups = np.concatenate([np.arange(30), np.arange(30)])
    splits = split_images(labeled(counts, groups), 0, 0.2, 0.3, 0)
    found = [set(split.data.groups.tolist()) for _, split in splits.items()]
    assert sum(map(len, found)) == 30
    assert found[2] == set(range(20, 30))


@pytest.mark.parametrize(
    ("decided", "held_out"),
    [({}, [7]), ({8: False}, [7]), ({7: False}, [8, 8]), ({8: True}, [8, 8])],
)
def test_a_kind_gives_a_part_away_as_long_as_it_keeps_one(
    decided: dict[int, bool], held_out: list[int]
) -> None:
    groups = np.array([7, 8, 8])
    given_away, rest = _divide(np.arange(3), groups, 0.3, decided)
    assert groups[given_away].tolist() == held_out
    assert sorted([*given_away.tolist(), *rest.tolist()]) == [0, 1, 2]
    assert _divide(np.arange(1), groups, 0.3, {})[0].size == 0


def test_groups_of_one_image_change_nothing() -> None:
    counts = {(kind, ""): 30 for kind in range(4)}
    plain = split_images(labeled(counts), 0, 0.2, 0.3, 3)
    renumbered = labeled(counts, np.random.default_rng(0).permutation(120))
    for name, split in split_images(renumbered, 0, 0.2, 0.3, 3).items():
        assert split.fingerprint() == getattr(plain, name).fingerprint()


def test_prescribed_splits_are_kept() -> None:
    data = labeled({(0, "train"): 50, (1, "train"): 50, (0, "test"): 20, (1, "test"): 20})
    splits = split_images(data, 0, 0.1, 0.3, 0)
    assert set(splits.test.data.official_split.tolist()) == {"test"}
    assert len(splits.test.data) == 40
    assert len(splits.validation.data) == 10


def test_the_seed_fixes_the_split() -> None:
    data = labeled({(0, ""): 60, (1, ""): 60})
    prints = [
        [split.fingerprint() for _, split in split_images(data, 0, 0.2, 0.3, seed).items()]
        for seed in (5, 5, 6)
    ]
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


def test_anomalies_are_all_kinds_but_the_normal_one() -> None:
    data = labeled({(kind, ""): 20 for kind in range(4)})
    test = split_images(data, 2, 0.2, 0.5, 0).test
    assert np.array_equal(test.is_anomaly, test.data.kinds != 2)
    assert len(test.normals) == 10


def test_even_three_images_of_a_kind_are_in_every_split() -> None:
    splits = split_images(labeled({(0, ""): 30, (1, ""): 3}), 0, 0.1, 0.3, 0)
    assert [int(split.is_anomaly.sum()) for _, split in splits.items()] == [1, 1, 1]


def test_unseen_kinds_are_in_test_alone_and_change_nothing_else() -> None:
    data = labeled({(kind, ""): 30 for kind in range(4)})
    plain = split_images(data, 0, 0.2, 0.3, 7)
    held_out = split_images(data, 0, 0.2, 0.3, 7, frozenset({1, 3}))
    assert held_out.test.fingerprint() == plain.test.fingerprint()
    for name in ("train", "validation"):
        before, after = getattr(plain, name).data, getattr(held_out, name).data
        assert after.names.tolist() == before.names[np.isin(before.kinds, [0, 2])].tolist()


def test_all_kinds_unseen_is_refused() -> None:
    data = labeled({(0, ""): 30, (1, ""): 30})
    with pytest.raises(UserError, match=r"train split has .* 0 anomalous .* the unseen kinds"):
        check_both_classes(split_images(data, 0, 0.2, 0.3, 0, frozenset({1})))


def test_a_split_without_anomalies_is_refused() -> None:
    with pytest.raises(UserError, match="validation split has 2 normal and 0 anomalous"):
        check_both_classes(split_images(labeled({(0, ""): 30, (1, ""): 2}), 0, 0.1, 0.5, 0))


def test_anomalies_can_give_another_fraction_to_test() -> None:
    data = labeled({(0, ""): 30, (1, ""): 20, (2, ""): 10})
    test = split_images(data, 0, 0.1, 0.3, 0, anomaly_test_fraction=0.5).test
    assert np.bincount(test.data.kinds).tolist() == [9, 10, 5]
