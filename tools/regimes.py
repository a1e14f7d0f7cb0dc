"""Which regime of the two loss groups, and does batch normalization leak the label?

python -m tools.regimes --dataset fashion-mnist --seeds 2 --out regimes.json

Trains the same networks under four regimes: both groups of losses in every step (`joint`) or
one of them at random (`random`), with one pass of the generator over both batches (`one pass`)
or one pass a batch (`two passes`), so that batch statistics tell the two apart. Figures are
AUROC on the validation split; the test split is not looked at.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import click
import keras
import tensorflow as tf

from ganad_tf.callbacks import validate
from ganad_tf.config import RunConfig
from ganad_tf.data.sources import load_splits
from ganad_tf.execution import prepare_execution
from ganad_tf.files import write_json
from ganad_tf.models.detector import AnomalyDetector
from ganad_tf.settings import make_config
from ganad_tf.training import (
    compile_detector,
    detector_options,
    fit,
    paired_batches,
)


class TwoPassDetector(AnomalyDetector):
    """Reconstructs each batch in a pass of its own, as a plain reading of the paper would."""

    def reconstruct_pair(
        self, normal: tf.Tensor, anomaly: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Reconstruct the batches apart."""
        return self.generator(normal, training=training), self.generator(anomaly, training=training)


DETECTORS = {"one pass": AnomalyDetector, "two passes": TwoPassDetector}


class ValidationHistory(keras.callbacks.Callback):
    """Collects the validation figures of each epoch."""

    def __init__(self, split: Any) -> None:
        super().__init__()
        self.split = split
        self.entries: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validate."""
        self.entries.append(validate(self.model.averaged_generator, self.split, epoch))


def train_once(config: RunConfig, passes: str) -> list[dict[str, float]]:
    """Train one detector and return its validation figures of each epoch."""
    prepare_execution(config)
    splits = load_splits(config.data, config.seed)
    batches = paired_batches(config, splits.train)
    channels = splits.train.data.images.shape[3]
    detector = DETECTORS[passes](**detector_options(config, channels))
    compile_detector(detector, config, batches.steps)
    history = ValidationHistory(splits.validation)
    epochs = config.train.epochs
    fit(detector, batches.dataset(0, epochs), epochs, batches.steps, [history])
    return history.entries


@click.command()
@click.option("--dataset", default="fashion-mnist", show_default=True)
@click.option("--data-dir", type=click.Path(resolve_path=True))
@click.option("--normal-class", default=0, show_default=True)
@click.option("--epochs", type=int, help="[default: that of the data set]")
@click.option("--seeds", default=2, show_default=True)
@click.option("--out", default="regimes.json", type=click.Path(path_type=Path), show_default=True)
def main(out: Path, seeds: int, epochs: int | None, **data: Any) -> None:
    """Compare the regimes; a started comparison goes on where it stopped."""
    results = json.loads(out.read_text()) if out.exists() else {}
    click.echo("| regime | passes | seed | best AUROC | last AUROC | last error, normal |")
    click.echo("|---|---|---|---|---|---|")
    for seed in range(seeds):
        for regime in ("joint", "random"):
            for passes in DETECTORS:
                config = make_config(
                    {"data": data, "train": {"epochs": epochs}, "seed": seed},
                    {"loss": {"regime": regime}},
                )
                key = f"{passes}: {json.dumps(dataclasses.asdict(config))}"
                if key not in results:
                    results[key] = train_once(config, passes)
                    write_json(out, results)
                history = results[key]
                best = max(entry["validation_auroc"] for entry in history)
                last = history[-1]
                click.echo(
                    f"| {regime} | {passes} | {seed} | {best:.4f} | "
                    f"{last['validation_auroc']:.4f} | {last['validation_error_normal']:.3f} |"
                )


if __name__ == "__main__":
    main()
