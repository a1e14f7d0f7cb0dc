"""Which anomalies are trained on: balanced by k-means (paper, section 3.5), or at random."""

import numpy as np
from numpy.typing import NDArray

from ganad_tf.config import DataConfig
from ganad_tf.data.splits import Split

THUMBNAIL = 16


def training_anomalies(split: Split, config: DataConfig, seed: int) -> NDArray[np.uint8]:
    """Return the anomalies of a train split that a configuration trains on.

    Args:
        split: The train split.
        config: How many, and how they are chosen.
        seed: Seed of the choice.

    Returns:
        uint8 `(count, height, width, channels)`. Where `config.anomalies` is `balanced`, `count` is
        the number of normal images, rounded up to a multiple of the kinds. It is smaller
        where a kind has fewer images than its share, under either way of sampling.
    """
    anomalies, kinds = split.data.images[split.is_anomaly], split.data.kinds[split.is_anomaly]
    return anomalies[choose_anomalies(anomalies, kinds, len(split.normals), config, seed)]


def choose_anomalies(
    images: NDArray[np.uint8],
    kinds: NDArray[np.int64],
    normals: int,
    config: DataConfig,
    seed: int,
) -> NDArray[np.int64]:
    """Choose those of some anomalies that a configuration trains on, see `training_anomalies`.

    Args:
        images: uint8 `(count, height, width, channels)`.
        kinds: int64 `(count,)`, the kind of each image.
        normals: Number of normal images that they go with.
        config: How many, and how they are chosen.
        seed: Seed of the choice.

    Returns:
        Sorted indices into `images`.
    """
    present = len(np.unique(kinds))
    total = config.anomalies
    if total == "balanced":
        total = -(-normals // present) * present
    if config.sampling == "random":
        return draw_anomalies(kinds, total, seed)
    return sample_anomalies(images, kinds, total, config.clusters, seed)


def draw_anomalies(kinds: NDArray[np.int64], total: int, seed: int = 0) -> NDArray[np.int64]:
    """Choose as many anomalies as `sample_anomalies` does, at random and whatever their kind.

    Args:
        kinds: int64 `(count,)`, the kind of each image.
        total: Number of images wanted.
        seed: Seed of the choice.

    Returns:
        Sorted indices into `kinds`.
    """
    number = sum(kind_quotas(kinds, total, seed).values())
    chosen = np.random.default_rng(seed).choice(len(kinds), number, replace=False)
    return np.sort(chosen.astype(np.int64))


def sample_anomalies(
    images: NDArray[np.uint8],
    kinds: NDArray[np.int64],
    total: int,
    clusters: int = 10,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Choose `total` anomalies, the same number of each kind.

    Inside a kind, k-means clusters the thumbnails of the images, and every cluster gives in
    proportion to its size, so that the sample is spread like the whole.

    Args:
        images: uint8 `(count, height, width, channels)`.
        kinds: int64 `(count,)`, the kind of each image.
        total: Number of images wanted.
        clusters: Clusters inside a kind; fewer where a kind has fewer images.
        seed: Seed of k-means and of the choice inside a cluster.

    Returns:
        Sorted indices into `images`, as many of each kind as `kind_quotas` says.
    """
    rng = np.random.default_rng(seed)
    chosen = [np.empty(0, np.int64)]
    for kind, quota in kind_quotas(kinds, total, seed).items():
        members = np.flatnonzero(kinds == kind)
        if 0 < quota < len(members):
            labels = cluster(thumbnails(images[members]), min(clusters, quota), seed)
            members = members[_proportional_choice(labels, quota, rng)]
        chosen.append(members[:quota])
    return np.sort(np.concatenate(chosen))


def kind_quotas(kinds: NDArray[np.int64], total: int, seed: int) -> dict[int, int]:
    """Divide `total` evenly among the kinds.

    A kind with fewer images than its share gives all of them, and no other makes up for it:
    that would tip the balance.

    Args:
        kinds: int64 `(count,)`, the kind of each image.
        total: What to divide.
        seed: Seed of the choice of the kinds that give one more where `total` does not divide.

    Returns:
        The number of images of each kind, adding up to `total` at most.
    """
    present, sizes = np.unique(kinds, return_counts=True)
    share, rest = divmod(total, len(present))
    shares = np.full(len(present), share)
    shares[np.random.default_rng(seed).permutation(len(present))[:rest]] += 1
    quotas = np.minimum(shares, sizes)
    return dict(zip(present.tolist(), quotas.tolist(), strict=True))


def cluster(looks: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
    """Return the k-means cluster of each thumbnail, int64 `(count,)`; see `thumbnails`."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    # More threads would add up the centres in an order that changes from run to run.
    with threadpool_limits(1):
        labels = KMeans(clusters, n_init=1, random_state=seed).fit_predict(looks)
    return labels.astype(np.int64)


def thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Average square blocks so that 16 x 16 remain, one flat vector an image, in [0, 1].

    Images whose sides 16 does not divide are kept whole.
    """
    count, height, width, channels = images.shape
    pixels = images.astype(np.float32) / 255.0
    if height % THUMBNAIL == 0 and width % THUMBNAIL == 0:
        blocks = (count, THUMBNAIL, height // THUMBNAIL, THUMBNAIL, width // THUMBNAIL, channels)
        pixels = pixels.reshape(blocks).mean(axis=(2, 4))
    return pixels.reshape(count, -1)


def _proportional_choice(
    labels: NDArray[np.int64], share: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    sizes = np.bincount(labels)
    quotas = largest_remainder(sizes, share)
    return np.concatenate(
        [
            rng.choice(np.flatnonzero(labels == label), quota, replace=False)
            for label, quota in enumerate(quotas)
        ]
    )


def largest_remainder(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Divide `total` in proportion to `sizes`, in whole numbers that add up to it.

    Args:
        sizes: int64 `(groups,)`, the size of each group.
        total: What to divide; at most the sum of the sizes.

    Returns:
        int64 `(groups,)`: each share rounded down, the rest to the largest remainders.
    """
    exact = sizes * total
    shares = exact // sizes.sum()
    rest = total - shares.sum()
    shares[np.argsort(-(exact % sizes.sum()), kind="stable")[:rest]] += 1
    return shares
