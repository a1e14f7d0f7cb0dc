"""What should quantization-aware training minimize, and for how long?

python -m tools.qat_objectives RUN --out objectives.json

Fine-tunes the generator of a finished run under three objectives: the distance to the float
generator's output, the six training losses with the discriminators of the chosen checkpoint, and
the sum of both. Beside them stands post-training quantization. Figures are of the int8 file on
the validation split; the test split is not looked at.
"""

import json
import tempfile
from pathlib import Path

import click
import numpy as np
import tensorflow as tf
from scipy.stats import spearmanr

from ganad_station.runtimes.litert import LiteRtModel
from ganad_station.score import ScoreRule
from ganad_tf.checkpoints import load_checkpoint, load_generator
from ganad_tf.data.splits import Split
from ganad_tf.execution import prepare_execution
from ganad_tf.files import write_json
from ganad_tf.inference import score_images
from ganad_tf.model_files import calibration_images
from ganad_tf.models.detector import AnomalyDetector
from ganad_tf.quantization.aware import Objective, fine_tune, make_quantization_aware
from ganad_tf.quantization.objectives import match_float_output
from ganad_tf.quantization.preparation import prepare
from ganad_tf.recipes import Precision, Scheme
from ganad_tf.runs import Run, load_recorded_splits
from ganad_tf.statistics import auroc, auroc_difference
from ganad_tf.tflite_conversion import convert, convert_post_training
from ganad_tf.training import whole_batches

SCHEDULES = ((1, 1e-5), (3, 1e-5), (3, 1e-4), (10, 1e-4))


def training_losses(detector: AnomalyDetector) -> Objective:
    """Return the weighted six losses; the weights of the checkpoint's networks stay as they are."""

    def objective(images: tf.Tensor, copies: tf.Tensor) -> tf.Tensor:
        normal, anomaly = tf.split(images, 2)
        normal_copy, anomaly_copy = tf.split(copies, 2)
        values = detector.losses_of(normal, anomaly, normal_copy, anomaly_copy, training=False)
        return tf.add_n(detector.weighted_groups(values))

    return objective


def sum_of(*objectives: Objective) -> Objective:
    """Return the sum of objectives."""
    return lambda images, copies: tf.add_n([objective(images, copies) for objective in objectives])


def measure(
    content: bytes, validation: Split, reference: np.ndarray, rule: ScoreRule
) -> dict[str, float]:
    """Score the validation split with a TFLite file and compare with the float scores."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        scores = LiteRtModel(path).score(validation.data.images, rule)
    difference = auroc_difference(validation.is_anomaly, scores, reference, validation.data.groups)
    return {
        "auroc": auroc(validation.is_anomaly, scores),
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
        "rank_correlation": float(spearmanr(scores, reference).statistic),
        "mean_score_change": float(np.abs(scores - reference).mean()),
    }


def describe(figures: dict[str, float]) -> str:
    """Return the figures of `measure` as three cells of a Markdown table."""
    return (
        f"{figures['difference']:+.5f} [{figures['low']:+.5f}, {figures['high']:+.5f}] "
        f"| {figures['rank_correlation']:.5f} | {figures['mean_score_change']:.5f}"
    )


@click.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", default="objectives.json", type=click.Path(path_type=Path))
def main(run_folder: Path, out: Path) -> None:
    """Compare the objectives on a run; a started comparison goes on where it stopped."""
    run = Run.open(run_folder)
    splits = load_recorded_splits(run)
    batches = whole_batches(run.config, splits.train)
    generator = load_generator(run.generator_path)
    prepared = prepare(generator, calibration_images(batches))
    rule = run.config.score.rule
    reference = score_images(generator, splits.validation.data.images, rule)
    teacher = match_float_output(generator)
    losses = training_losses(load_checkpoint(run.chosen_path))
    objectives = {
        "float output": teacher,
        "training losses": losses,
        "both": sum_of(teacher, losses),
    }
    results = json.loads(out.read_text()) if out.exists() else {}

    def quantize(name: str, epochs: int, learning_rate: float) -> bytes:
        prepare_execution(run.config)
        if not epochs:
            return convert_post_training(prepared.twin, calibration_images(batches))
        model = make_quantization_aware(prepared, Scheme.ASYMMETRIC)
        fine_tune(model, batches, objectives[name], epochs, learning_rate, lambda *_: None)
        return convert(model, Precision.INT8)

    rows = [("post-training", 0, 0.0)]
    rows += [(name, *schedule) for schedule in SCHEDULES for name in objectives]
    click.echo("| objective | epochs | rate | difference of AUROC | rank corr. | score change |")
    click.echo("|---|---|---|---|---|---|")
    for name, epochs, learning_rate in rows:
        key = f"{run.identity['id']} {name} {epochs} {learning_rate}"
        if key not in results:
            content = quantize(name, epochs, learning_rate)
            results[key] = measure(content, splits.validation, reference, rule)
            write_json(out, results)
        click.echo(f"| {name} | {epochs} | {learning_rate:.0e} | {describe(results[key])} |")


if __name__ == "__main__":
    main()
