"""Train, validation and test, apart, fixed by a seed."""

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganad_tf.data.labeled import UNASSIGNED, LabeledImages
from ganad_tf.errors import UserError

SPLIT_NAMES = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """One of train, validation and test.

    Attributes:
        data: The images with their kinds and names.
        normal_kind: Index of the normal kind in `data.kind_names`.
    """

    data: LabeledImages
    normal_kind: int

    @property
    def is_anomaly(self) -> NDArray[np.bool_]:
        """Bool `(count,)`: whether each image is anomalous."""
        return self.data.kinds != self.normal_kind

    @property
    def normals(self) -> NDArray[np.uint8]:
        """The images of normal parts."""
        return self.data.images[~self.is_anomaly]

    def fingerprint(self) -> str:
        """Return a SHA-256 over pixels and kinds: two equal splits have the same."""
        digest = hashlib.sha256(np.ascontiguousarray(self.data.images).tobytes())
        digest.update(self.data.kinds.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Splits:
    """The three splits of one data set."""

    train: Split
    validation: Split
    test: Split

    def items(self) -> list[tuple[str, Split]]:
        """Return `(name, split)` for each split."""
        return [(name, getattr(self, name)) for name in SPLIT_NAMES]


def split_images(
    data: LabeledImages,
    normal_kind: int,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    unseen_kinds: frozenset[int] = frozenset(),
    anomaly_test_fraction: float | None = None,
) -> Splits:
    """Split images into train, validation and test, each kind by itself.

    A split that the source prescribes is kept: its test images are the test split, its train
    images are divided into train and validation. Images without one give their share to
    test first. The images of a group go to the same split, that of those among them that have a
    prescribed one, so that a kind may give up to a group more than its share. Even a small kind
    gives at least one group, as long as one is left to train on. The order inside each split is
    shuffled. Unseen kinds are taken out of train and validation afterwards: what is left, and
    test, do not depend on which kinds are unseen.

    Args:
        data: The images.
        normal_kind: Index of the kind that is normal.
        validation_fraction: Share of the images outside test that goes to validation.
        test_fraction: Share of the images without a prescribed split that goes to test.
        seed: Seed of the shuffling.
        unseen_kinds: Indices of the kinds that only test has.
        anomaly_test_fraction: Takes the place of `test_fraction` for each kind of anomaly.
    """
    of_anomalies = test_fraction if anomaly_test_fraction is None else anomaly_test_fraction
    rng = np.random.default_rng(seed)
    parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in SPLIT_NAMES}
    in_test = _prescribed(data)
    in_validation: dict[int, bool] = {}
    for kind in range(len(data.kind_names)):
        members = rng.permutation(np.flatnonzero(data.kinds == kind))
        prescribed = data.official_split[members]
        undecided = members[prescribed == UNASSIGNED]
        fraction = test_fraction if kind == normal_kind else of_anomalies
        test, rest = _divide(undecided, data.groups, fraction, in_test)
        pool = np.concatenate([members[prescribed == "train"], rest])
        validation, train = _divide(pool, data.groups, validation_fraction, in_validation)
        parts["test"] += [members[prescribed == "test"], test]
        parts["validation"].append(validation)
        parts["train"].append(train)
    splits = {}
    for name in SPLIT_NAMES:
        chosen = rng.permutation(np.concatenate(parts[name]))
        if name != "test":
            chosen = chosen[~np.isin(data.kinds[chosen], list(unseen_kinds))]
        splits[name] = Split(data.take(chosen), normal_kind)
    return Splits(**splits)


def _prescribed(data: LabeledImages) -> dict[int, bool]:
    """Return whether each group with images of a prescribed split belongs to test."""
    splits = data.official_split
    in_train, in_test = (set(data.groups[splits == name].tolist()) for name in ("train", "test"))
    return {group: group in in_test for group in in_train | in_test}


def _divide(
    members: NDArray[np.int64],
    groups: NDArray[np.int64],
    fraction: float,
    is_held_out: dict[int, bool],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide the images of a kind into those to hold out and the rest, group by group.

    Args:
        members: Indices of the images, in random order.
        groups: The group of every image there is.
        fraction: Share to hold out.
        is_held_out: What was decided on groups with images of an earlier kind; the decisions on
            the others are added.
    """
    sizes = Counter(groups[members].tolist())
    undecided = [group for group in sizes if group not in is_held_out]
    missing = min(max(1, round(fraction * len(members))), max(0, len(members) - 1))
    missing -= sum(sizes[group] for group in sizes if is_held_out.get(group))
    is_any_left = any(not is_held_out.get(group, True) for group in sizes)
    for group in undecided if is_any_left else undecided[:-1]:
        is_held_out[group] = missing > 0
        missing -= sizes[group]
    for group in undecided:
        is_held_out.setdefault(group, False)
    chosen = np.array([is_held_out[group] for group in groups[members].tolist()], bool)
    return members[chosen], members[~chosen]


def check_both_sides(splits: Splits) -> None:
    """Raise `UserError` if a split lacks normal images or anomalies."""
    for name, split in splits.items():
        anomalies = int(split.is_anomaly.sum())
        normals = len(split.data) - anomalies
        if not normals or not anomalies:
            raise UserError(
                f"the {name} split has {normals} normal and {anomalies} anomalous images: "
                "add pictures, or change the validation or test fraction, how they are grouped, or "
                "the unseen kinds in the configuration"
            )
