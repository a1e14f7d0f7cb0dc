"""What each part of the method is worth: the AUROC without it, after as many steps."""

from ganad_tf.config import GENERATOR_LOSSES
from tools.experiments.studies.study import FLOAT_AUROC, Study, Variation


def variations(_dataset: str, _normal_class: int) -> list[Variation]:
    """Return the full method, and the method without each of its parts."""
    return [
        Variation("full", {}),
        *(
            Variation(f"without {name.replace('_', ' ')}", {"loss": {name: 0}})
            for name in GENERATOR_LOSSES
        ),
        Variation(
            "without both adversarial", {"loss": {"adversarial": 0, "anomaly_adversarial": 0}}
        ),
        Variation("one discriminator", {"loss": {"discriminators": 1}}),
        Variation("random regime", {"loss": {"regime": "random"}}),
    ]


ABLATION = Study(
    "ablation",
    "A loss that is off has weight 0, and its discriminator is not trained; the other weights "
    "stay. One discriminator serves both sides. The random regime applies one of the two groups "
    "of losses in each step instead of both.",
    variations,
    (FLOAT_AUROC,),
)
