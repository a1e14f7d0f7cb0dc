"""How the AUROC falls with the number of labelled anomalies, and what sampling them is worth."""

from ganad_tf.config import make_config
from tools.experiments.studies.study import FLOAT_AUROC, Study, Variation

BALANCED = "balanced"
FEW = (1000, 100, 10)
SAMPLINGS = {"kmeans": "k-means", "random": "random"}


def variations(dataset: str, _normal_class: int) -> list[Variation]:
    """Return all anomalies where that is the default, fewer under either sampling, and none."""
    default = make_config({"data": {"dataset": dataset}}).data.anomalies
    full = [] if default == BALANCED else [Variation(f"{default}, all", {})]
    counts = {"as many as normal": BALANCED, **{str(n): n for n in FEW}}
    sampled = [
        Variation(f"{label}, {name}", {"data": {"anomalies": count, "sampling": sampling}})
        for label, count in counts.items()
        for sampling, name in SAMPLINGS.items()
    ]
    without = {"data": {"anomalies": 0}, "loss": {"abc": 0, "anomaly_adversarial": 0}}
    return [*full, *sampled, Variation("none", without)]


IMBALANCE = Study(
    "imbalance",
    "Labelled anomalies to train on, and how they are sampled: the same number of each kind, "
    "spread by k-means, or at random. Few are repeated, so that the number of steps is the same. "
    "Without any, the two losses of anomalies are off. The epoch is chosen on the same "
    "validation split in all rows, which keeps its anomalies.",
    variations,
    (FLOAT_AUROC,),
)
