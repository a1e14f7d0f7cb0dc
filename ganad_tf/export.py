"""From a finished run to a bundle with a model file."""

import logging
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tf_keras
from numpy.typing import NDArray

from ganad_station.score import to_input
from ganad_tf.checkpoints import load_generator
from ganad_tf.conversion import Precision, convert, convert_post_training
from ganad_tf.data.batches import PairedBatches
from ganad_tf.errors import UserError
from ganad_tf.files import remove_leftovers, replacing
from ganad_tf.lowering import lower_transposed_convolutions
from ganad_tf.manifest import AGREEMENT_PLOT, VERIFICATION_FILE, write_manifest
from ganad_tf.quantization.aware import fine_tune, make_quantization_aware
from ganad_tf.quantization.folding import FoldedLayer, fold_generator
from ganad_tf.quantization.objectives import match_float_output
from ganad_tf.quantization.twin import build_twin
from ganad_tf.runs import Run, load_recorded_splits
from ganad_tf.tflite_file import float_tensors
from ganad_tf.training import make_deterministic, paired_batches

MODEL_FILE = "model.tflite"
CALIBRATION_IMAGES = 512
LARGEST_FOLDING_DIFFERENCE = 1e-3
EPOCHS = 3
LEARNING_RATE = 1e-5

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """What to export.

    Attributes:
        precision: Number format of the file.
        is_post_training: Whether int8 comes from calibration alone, without training.
    """

    precision: Precision = Precision.INT8
    is_post_training: bool = False

    @property
    def name(self) -> str:
        """Name of the bundle folder."""
        return f"{self.precision}-ptq" if self.is_post_training else str(self.precision)


def export(run: Run, variant: Variant) -> Path:
    """Fold, quantize and convert the generator of a run into `<run>/bundles/<variant>/`.

    Args:
        run: A finished run.
        variant: What to export.

    Returns:
        The path of the model file. Its manifest says that it is not verified: `verify` is
        the next step.

    Raises:
        UserError: If the run is not finished or its data have changed.
    """
    if not run.is_trained:
        raise UserError(
            f"{run.folder} is not trained to its end: ganad-tf train --resume {run.folder}"
        )
    splits = load_recorded_splits(run)
    make_deterministic(run.config.seed)
    generator = load_generator(run.generator_path)
    content = _convert(
        variant, generator, paired_batches(run.config, splits.train), splits.validation.data.images
    )
    bundle = run.folder / "bundles" / variant.name
    bundle.mkdir(parents=True, exist_ok=True)
    remove_leftovers(bundle)
    for outdated in (VERIFICATION_FILE, AGREEMENT_PLOT):
        (bundle / outdated).unlink(missing_ok=True)
    model_path = bundle / MODEL_FILE
    with replacing(model_path) as temporary:
        temporary.write_bytes(content)
        if variant.precision == Precision.INT8:
            _check_integers(temporary)
    write_manifest(model_path, run, variant.name, splits.test.data.images.shape[1:])
    return model_path


def folding_difference(
    generator: keras.Model, twin: tf_keras.Model, images: NDArray[np.uint8]
) -> float:
    """Return the largest difference of the two models' outputs over all pixels of images."""
    return max(
        float(np.abs(generator.predict_on_batch(batch) - twin.predict_on_batch(batch)).max())
        for batch in (to_input(images[start : start + 256]) for start in range(0, len(images), 256))
    )


def calibration_images(batches: PairedBatches) -> NDArray[np.float32]:
    """Return the images that ranges are calibrated on, half of them normal.

    float32 `(count, size, size, channels)` in [0, 1], 512 of them or all there are.
    """
    half = CALIBRATION_IMAGES // 2
    return to_input(np.concatenate([batches.normals[:half], batches.anomalies[:half]]))


def _convert(
    variant: Variant,
    generator: keras.Model,
    batches: PairedBatches,
    validation_images: NDArray[np.uint8],
) -> bytes:
    folded = fold_generator(generator)
    twin = build_twin(folded, generator.input_shape[1])
    difference = folding_difference(generator, twin, validation_images)
    logger.info(
        "batch normalization folded: outputs differ by at most %.1e over %d validation images",
        difference,
        len(validation_images),
    )
    if difference > LARGEST_FOLDING_DIFFERENCE:
        raise AssertionError(f"the folded generator differs by {difference}: folding is wrong")
    if variant.precision != Precision.INT8:
        return convert(twin, variant.precision)
    if variant.is_post_training:
        content = convert_post_training(twin, calibration_images(batches))
    else:
        content = convert(_quantize(generator, twin, folded, batches), Precision.INT8)
    return lower_transposed_convolutions(content)


def _quantize(
    generator: keras.Model,
    twin: tf_keras.Model,
    folded: list[FoldedLayer],
    batches: PairedBatches,
) -> tf_keras.Model:
    model = make_quantization_aware(twin, folded, calibration_images(batches))
    fine_tune(
        model,
        batches,
        match_float_output(generator),
        EPOCHS,
        LEARNING_RATE,
        lambda epoch, value: logger.info(
            "quantization-aware training, epoch %d of %d: distance to the float output %.5f",
            epoch,
            EPOCHS,
            value,
        ),
    )
    return model


def _check_integers(model_path: Path) -> None:
    names = float_tensors(model_path)
    if names:
        raise AssertionError(f"the int8 file has float tensors: {', '.join(names)}")
