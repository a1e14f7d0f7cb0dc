"""Do the two sides of a concatenation need scales of their own?

python -m tools.shared_scales RUN --out shared_scales.json

Quantizes the generator of a finished run with a scale for each side of a skip connection, which
costs a QUANTIZE in the file, with one scale for both, and with one scale after the sides were
equalized; the last also symmetrically, as TensorRT needs it. Figures are of the int8 TFLite file
on the validation split; the test split is not looked at.
"""

import json
from pathlib import Path

import click

from ganad_tf.checkpoints import load_generator
from ganad_tf.execution import prepare_execution
from ganad_tf.files import write_json
from ganad_tf.inference import score_images
from ganad_tf.model_files import EPOCHS, LEARNING_RATE, calibration_images
from ganad_tf.quantization.aware import fine_tune, make_quantization_aware
from ganad_tf.quantization.folding import fold_generator
from ganad_tf.quantization.objectives import match_float_output
from ganad_tf.quantization.preparation import PreparedGenerator, prepare
from ganad_tf.quantization.ranges import calibrate, share_between_concatenated
from ganad_tf.quantization.twin import build_twin
from ganad_tf.recipes import Precision, Scheme
from ganad_tf.runs import Run, load_recorded_splits
from ganad_tf.tflite_conversion import convert
from ganad_tf.training import whole_batches
from tools.qat_objectives import describe, measure


@click.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", default="shared_scales.json", type=click.Path(path_type=Path))
def main(run_folder: Path, out: Path) -> None:
    """Compare the four on a run; a started comparison goes on where it stopped."""
    run = Run.open(run_folder)
    splits = load_recorded_splits(run)
    batches = whole_batches(run.config, splits.train)
    generator = load_generator(run.generator_path)
    calibration = calibration_images(batches)
    rule = run.config.score.rule
    reference = score_images(generator, splits.validation.data.images, rule)
    folded = fold_generator(generator)
    twin = build_twin(folded, run.config.data.size)
    ranges = calibrate(twin, calibration)
    equalized = prepare(generator, calibration)
    rows = {
        "a scale each": (PreparedGenerator(folded, twin, ranges), Scheme.ASYMMETRIC),
        "one scale": (
            PreparedGenerator(folded, twin, share_between_concatenated(ranges)),
            Scheme.ASYMMETRIC,
        ),
        "one scale, equalized": (equalized, Scheme.ASYMMETRIC),
        "one scale, equalized, zero point 0": (equalized, Scheme.SYMMETRIC),
    }
    results = json.loads(out.read_text()) if out.exists() else {}
    click.echo("| scales | bytes | difference of AUROC | rank corr. | score change |")
    click.echo("|---|---|---|---|---|")
    for name, (prepared, scheme) in rows.items():
        key = f"{run.identity['id']} {name}"
        if key not in results:
            prepare_execution(run.config)
            model = make_quantization_aware(prepared, scheme)
            objective = match_float_output(generator)
            fine_tune(model, batches, objective, EPOCHS, LEARNING_RATE, lambda *_: None)
            content = convert(model, Precision.INT8)
            figures = measure(content, splits.validation, reference, rule)
            results[key] = {**figures, "bytes": len(content)}
            write_json(out, results)
        click.echo(f"| {name} | {results[key]['bytes']:,} | {describe(results[key])} |")


if __name__ == "__main__":
    main()
