"""Balanced sampling of anomalies by k-means inside each kind (paper, section 3.5)."""

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 16


def sample_anomalies(
    images: NDArray[np.uint8],
    kinds: NDArray[np.int64],
    total: int,
    clusters: int = 10,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Choose about `total` anomalies, the same number of each kind.

    Inside a kind, k-means clusters the thumbnails of the images, and every cluster gives in
    proportion to its size, so that the sample is spread like the whole. A kind that has
    fewer images than its share gives all of them.

    Args:
        images: uint8 `(count, height, width, channels)`.
        kinds: int64 `(count,)`, the kind of each image.
        total: Number of images wanted; usually the number of normal images.
        clusters: Clusters inside a kind; fewer where a kind has fewer images.
        seed: Seed of k-means and of the choice inside a cluster.

    Returns:
        Sorted indices into `images`; `ceil(total / kinds)` of each kind at most.
    """
    present = np.unique(kinds)
    share = -(-total // len(present))
    rng = np.random.default_rng(seed)
    chosen = []
    for kind in present:
        members = np.flatnonzero(kinds == kind)
        if len(members) > share:
            labels = cluster(images[members], min(clusters, share), seed)
            members = members[_proportional_choice(labels, share, rng)]
        chosen.append(members)
    return np.sort(np.concatenate(chosen))


def cluster(images: NDArray[np.uint8], clusters: int, seed: int) -> NDArray[np.int64]:
    """Return the k-means cluster of each image's thumbnail, int64 `(count,)`."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    # More threads would add up the centres in an order that changes from run to run.
    with threadpool_limits(1):
        labels = KMeans(clusters, n_init=1, random_state=seed).fit_predict(thumbnails(images))
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
