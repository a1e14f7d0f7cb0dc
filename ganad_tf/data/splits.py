"""Splits images into train, validation and test, fixed by a seed."""

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
    """The images of one split: train, validation or test.

    Attributes:
        data: The images with their kinds, names, groups and masks.
        normal_kind: Index of the normal kind in `data.kind_names`.
    """

    data: LabeledImages
    normal_kind: int

    @property
    def is_anomaly(self) -> NDArray[np.bool_]:
        """Whether each image is an anomaly, bool `(count,)`."""
        return self.data.kinds != self.normal_kind

    @property
    def normals(self) -> NDArray[np.uint8]:
        """The normal images, uint8 `(count, height, width, channels)`, 0 to 255."""
        return self.data.images[~self.is_anomaly]

    @property
    def normal_data(self) -> LabeledImages:
        """The normal images with all that is known of them."""
        return self.data.take(np.flatnonzero(~self.is_anomaly))

    def fingerprint(self) -> str:
        """Return the SHA-256 of pixels and kinds in hexadecimal digits; equal splits share it."""
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
    """Split images into train, validation and test, separately for each kind.

    A split that the source prescribes is kept: its test images are the test split, and its train
    images are divided into train and validation. Images without a prescribed split are divided
    into test and the rest first. All images of a group go to the same split, the prescribed one if
    any of them has one, so that a kind may exceed its fraction by up to one group. Even a small
    kind gives at least one group to test and to validation, as long as one is left to train on.
    The images of each split are shuffled. Unseen kinds are removed from train and validation
    afterwards, so that the other images do not depend on which kinds are unseen.

    Args:
        data: The images to split, with their kinds and groups.
        normal_kind: Index of the kind that is normal.
        validation_fraction: Fraction of the images outside test that goes to validation.
        test_fraction: Fraction of the images without a prescribed split that goes to test.
        seed: Seed of the shuffling.
        unseen_kinds: Indices of the kinds that are in test only.
        anomaly_test_fraction: Replaces `test_fraction` for each kind of anomaly; None to use
            `test_fraction` for all kinds.
    """
    if anomaly_test_fraction is None:
        anomaly_test_fraction = test_fraction
    rng = np.random.default_rng(seed)
    indices: dict[str, list[NDArray[np.int64]]] = {name: [] for name in SPLIT_NAMES}
    in_test = _prescribed(data)
    in_validation: dict[int, bool] = {}
    for kind in range(len(data.kind_names)):
        members = rng.permutation(np.flatnonzero(data.kinds == kind))
        prescribed = data.official_split[members]
        undecided = members[prescribed == UNASSIGNED]
        fraction = test_fraction if kind == normal_kind else anomaly_test_fraction
        test, rest = _divide(undecided, data.groups, fraction, in_test)
        pool = np.concatenate([members[prescribed == "train"], rest])
        validation, train = _divide(pool, data.groups, validation_fraction, in_validation)
        indices["test"] += [members[prescribed == "test"], test]
        indices["validation"].append(validation)
        indices["train"].append(train)
    splits = {}
    for name in SPLIT_NAMES:
        chosen = rng.permutation(np.concatenate(indices[name]))
        if name != "test":
            chosen = chosen[~np.isin(data.kinds[chosen], list(unseen_kinds))]
        splits[name] = Split(data.take(chosen), normal_kind)
    return Splits(**splits)


def _prescribed(data: LabeledImages) -> dict[int, bool]:
    """Return, for each group with a prescribed split, whether the split is test."""
    splits = data.official_split
    in_train, in_test = (set(data.groups[splits == name].tolist()) for name in ("train", "test"))
    return {group: group in in_test for group in in_train | in_test}


def _divide(
    members: NDArray[np.int64],
    groups: NDArray[np.int64],
    fraction: float,
    is_held_out: dict[int, bool],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide the images of a kind, group by group, into those to hold out and the rest.

    Args:
        members: int64 `(count,)`, indices of the images of the kind, in random order.
        groups: int64, the group of each image of the data set.
        fraction: Fraction of the images to hold out.
        is_held_out: The decisions on groups with images of earlier kinds, by group; the decisions
            on the other groups are added.

    Returns:
        The indices of the images to hold out, and the indices of the rest.
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


def check_both_classes(splits: Splits) -> None:
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
