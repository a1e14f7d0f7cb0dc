"""Chooses the anomalies to train on: balanced by k-means (paper, section 3.5), or at random."""

import numpy as np
from numpy.typing import NDArray

from ganad_tf.config import DataConfig
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.splits import Split

THUMBNAIL = 16
"""Height and width in pixels that images are reduced to for clustering."""


def training_anomalies(split: Split, config: DataConfig, seed: int) -> LabeledImages:
    """Return the anomalies of a train split to train on.

    Args:
        split: The train split.
        config: The number of anomalies, and how they are chosen.
        seed: Seed of the choice.

    Returns:
        The anomalies. If `config.anomalies` is `balanced`, as many as there are normal images,
        rounded up to a multiple of the number of kinds. They are fewer if a kind has fewer images
        than its quota, whichever way they are chosen.
    """
    anomalies = split.data.take(np.flatnonzero(split.is_anomaly))
    normals = int((~split.is_anomaly).sum())
    chosen = choose_anomalies(anomalies.images, anomalies.kinds, normals, config, seed)
    return anomalies.take(chosen)


def choose_anomalies(
    images: NDArray[np.uint8],
    kinds: NDArray[np.int64],
    normals: int,
    config: DataConfig,
    seed: int,
) -> NDArray[np.int64]:
    """Choose the anomalies to train on, see `training_anomalies`.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255, the anomalies.
        kinds: int64 `(count,)`, the kind of each anomaly.
        normals: Number of normal images to train on.
        config: The number of anomalies, and how they are chosen.
        seed: Seed of the choice.

    Returns:
        int64, sorted indices into `images`.
    """
    present = len(np.unique(kinds))
    total = config.anomalies
    if total == "balanced":
        total = -(-normals // present) * present
    if config.sampling == "random":
        return draw_anomalies(kinds, total, seed)
    return sample_anomalies(images, kinds, total, config.clusters, seed)


def draw_anomalies(kinds: NDArray[np.int64], total: int, seed: int = 0) -> NDArray[np.int64]:
    """Choose as many anomalies as `sample_anomalies`, at random and regardless of kind.

    Args:
        kinds: int64 `(count,)`, the kind of each image.
        total: Number of images to choose.
        seed: Seed of the choice.

    Returns:
        int64, sorted indices into `kinds`.
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

    Within each kind, k-means clusters the thumbnails of the images, and images are chosen from
    each cluster in proportion to its size, so that the sample is distributed like the whole kind.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.
        kinds: int64 `(count,)`, the kind of each image.
        total: Number of images to choose.
        clusters: Number of clusters per kind; there are never more than images to choose.
        seed: Seed of k-means and of the choice within a cluster.

    Returns:
        int64, sorted indices into `images`; the number of each kind is that of `kind_quotas`.
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

    The quota of a kind is at most the number of its images. The other kinds do not make up for a
    smaller quota: that would upset the balance among them.

    Args:
        kinds: int64 `(count,)`, the kind of each image.
        total: Number of images to divide.
        seed: Seed of the choice of the kinds that get one more if `total` does not divide evenly.

    Returns:
        The quota of each kind; the quotas add up to `total` at most.
    """
    present, sizes = np.unique(kinds, return_counts=True)
    quota, rest = divmod(total, len(present))
    quotas = np.full(len(present), quota)
    quotas[np.random.default_rng(seed).permutation(len(present))[:rest]] += 1
    quotas = np.minimum(quotas, sizes)
    return dict(zip(present.tolist(), quotas.tolist(), strict=True))


def cluster(vectors: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
    """Cluster vectors by k-means.

    Args:
        vectors: float32 `(count, values)`, such as `thumbnails` returns.
        clusters: Number of clusters.
        seed: Seed of the initial centers.

    Returns:
        int64 `(count,)`, the cluster of each vector, from 0.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    # More threads would add up the centers in an order that changes from run to run.
    with threadpool_limits(1):
        labels = KMeans(clusters, n_init=1, random_state=seed).fit_predict(vectors)
    return labels.astype(np.int64)


def thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Reduce images to `THUMBNAIL` x `THUMBNAIL` pixels by averaging blocks.

    Images whose height or width is not a multiple of `THUMBNAIL` keep their size.

    Args:
        images: uint8 `(count, height, width, channels)`, 0 to 255.

    Returns:
        float32 `(count, values)` in [0, 1], one flat vector per image.
    """
    count, height, width, channels = images.shape
    pixels = images.astype(np.float32) / 255.0
    if height % THUMBNAIL == 0 and width % THUMBNAIL == 0:
        blocks = (count, THUMBNAIL, height // THUMBNAIL, THUMBNAIL, width // THUMBNAIL, channels)
        pixels = pixels.reshape(blocks).mean(axis=(2, 4))
    return pixels.reshape(count, -1)


def _proportional_choice(
    labels: NDArray[np.int64], total: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose `total` indices of `labels`, from each cluster in proportion to its size."""
    quotas = largest_remainder(np.bincount(labels), total)
    return np.concatenate(
        [
            rng.choice(np.flatnonzero(labels == label), quota, replace=False)
            for label, quota in enumerate(quotas)
        ]
    )


def largest_remainder(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Divide `total` in proportion to `sizes`, in whole numbers that add up to `total`.

    Args:
        sizes: int64 `(groups,)`, the size of each group.
        total: The number to divide, at most the sum of the sizes.

    Returns:
        int64 `(groups,)`: each proportion rounded down, plus one for the largest remainders until
        `total` is reached (method of the largest remainder).
    """
    exact = sizes * total
    quotas = exact // sizes.sum()
    rest = total - quotas.sum()
    quotas[np.argsort(-(exact % sizes.sum()), kind="stable")[:rest]] += 1
    return quotas
