"""How the AUROC falls with the number of labelled anomalies, and what sampling them is worth."""

from tools.studies.study import FLOAT_AUROC, Study, Variation

COUNTS = (None, 1000, 100, 10)
SAMPLINGS = {"kmeans": "k-means", "random": "random"}


def variations(_dataset: str, _normal_class: int) -> list[Variation]:
    """Return each number of anomalies under either way of sampling, and none at all."""
    sampled = [
        Variation(
            f"{'as many as normal' if count is None else count}, {name}",
            {"data": {"anomalies": count, "sampling": sampling}},
        )
        for count in COUNTS
        for sampling, name in SAMPLINGS.items()
    ]
    without = {"data": {"anomalies": 0}, "loss": {"abc": 0, "anomaly_adversarial": 0}}
    return [*sampled, Variation("none", without)]


IMBALANCE = Study(
    "imbalance",
    "Labelled anomalies to train on, and how they are sampled: the same number of each kind, "
    "spread by k-means, or at random. Few are repeated, so that the number of steps is the same. "
    "Without any, the two losses of anomalies are off. The epoch is chosen on the same "
    "validation split in all rows, which keeps its anomalies.",
    variations,
    (FLOAT_AUROC,),
)
