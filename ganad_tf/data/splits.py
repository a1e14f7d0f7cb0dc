"""Train, validation and test, apart, fixed by a seed."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganad_tf.data.labeled import LabeledImages
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
) -> Splits:
    """Split images into train, validation and test, each kind by itself.

    A split that the source prescribes is kept: its test images are the test split, its train
    images are divided into train and validation. Images without one give `test_fraction` to
    test first. Even a small kind gives at least one image, as long as one is left to train
    on. The order inside each split is shuffled. Unseen kinds are taken out of train and
    validation afterwards: what is left, and test, do not depend on which kinds are unseen.

    Args:
        data: The images.
        normal_kind: Index of the kind that is normal.
        validation_fraction: Share of the images outside test that goes to validation.
        test_fraction: Share of the images without a prescribed split that goes to test.
        seed: Seed of the shuffling.
        unseen_kinds: Indices of the kinds that only test has.

    Raises:
        UserError: If a split lacks normal images or anomalies.
    """
    rng = np.random.default_rng(seed)
    parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in SPLIT_NAMES}
    for kind in range(len(data.kind_names)):
        members = rng.permutation(np.flatnonzero(data.kinds == kind))
        prescribed = data.official_split[members]
        undecided = members[prescribed == ""]
        to_test = _share(test_fraction, len(undecided))
        parts["test"] += [members[prescribed == "test"], undecided[:to_test]]
        pool = np.concatenate([members[prescribed == "train"], undecided[to_test:]])
        to_validation = _share(validation_fraction, len(pool))
        parts["validation"].append(pool[:to_validation])
        parts["train"].append(pool[to_validation:])
    splits = {}
    for name in SPLIT_NAMES:
        chosen = rng.permutation(np.concatenate(parts[name]))
        if name != "test":
            chosen = chosen[~np.isin(data.kinds[chosen], list(unseen_kinds))]
        splits[name] = Split(data.take(chosen), normal_kind)
    for name, split in splits.items():
        _check_both_sides(name, split)
    return Splits(**splits)


def _share(fraction: float, count: int) -> int:
    return min(max(1, round(fraction * count)), max(0, count - 1))


def _check_both_sides(name: str, split: Split) -> None:
    anomalies = int(split.is_anomaly.sum())
    normals = len(split.data) - anomalies
    if not normals or not anomalies:
        raise UserError(
            f"the {name} split has {normals} normal and {anomalies} anomalous images: "
            "add pictures, or change the validation or test fraction or the unseen kinds in the "
            "configuration"
        )
