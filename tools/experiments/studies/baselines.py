"""What other methods reach on the very same splits, batches and number of steps."""

from functools import partial
from pathlib import Path

from ganad_tf.config import RunConfig
from tools.experiments.baselines.run import METHODS, run_baseline
from tools.experiments.studies.study import FLOAT_AUROC, Result, Study, Variation, Work


def baseline(method: str) -> Work:
    """Return what trains and measures one of `METHODS`; it makes no run folder."""
    return partial(_run, method)


def _run(method: str, config: RunConfig, _folder: Path, result_path: Path) -> Result:
    return run_baseline(method, config, result_path)


def variations(_dataset: str, _normal_class: int) -> list[Variation]:
    """Return our method and each baseline."""
    return [Variation("ganad-tf", {}), *(Variation(name, {}, baseline(name)) for name in METHODS)]


BASELINES = Study(
    "baselines",
    "The autoencoder is the generator with the mean absolute error on normal images alone, with "
    "its skip connections or without. GANomaly, on normal images alone, too, has its own losses, "
    "network and score. The classifier is the generator's encoder with a logistic head, on normal "
    "images and anomalies.",
    variations,
    (FLOAT_AUROC,),
)
