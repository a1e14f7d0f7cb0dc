import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from ganad_station.runtime import TfliteModel
from ganad_station.score import to_input
from ganad_tf.checkpoints import load_generator
from ganad_tf.config import TrainConfig
from ganad_tf.conversion import Precision, convert
from ganad_tf.data.batches import PairedBatches
from ganad_tf.errors import UserError
from ganad_tf.export import Variant, export
from ganad_tf.inference import score_images
from ganad_tf.quantization.aware import fine_tune, make_quantization_aware
from ganad_tf.quantization.folding import fold_generator
from ganad_tf.quantization.objectives import match_float_output
from ganad_tf.quantization.twin import build_twin
from ganad_tf.runs import Run, load_recorded_splits
from ganad_tf.tflite_file import float_tensors, read_tensors
from tests.quantization.test_folding import generator_with_random_statistics
from tests.test_lowering import transposed_convolutions

FULL_SIZE_LIMIT = 112_000


def test_int8_file_has_int8_tensors_and_int32_biases_only(int8_model: Path) -> None:
    tensors = read_tensors(int8_model)
    assert {tensor.dtype for tensor in tensors} == {np.dtype(np.int8), np.dtype(np.int32)}
    # Beside the biases, the transposed convolutions have an int32 constant: their output shape.
    shapes = [t for t in tensors if t.dtype == np.int32 and not t.is_quantized]
    assert len(shapes) <= 4
    assert not float_tensors(int8_model)


@pytest.mark.parametrize("variant", [Variant(), Variant(is_post_training=True)])
def test_int8_input_is_exactly_the_pixel_minus_128(small_run: Run, variant: Variant) -> None:
    interpreter = Interpreter(str(export(small_run, variant)))
    details = interpreter.get_input_details()[0]
    assert details["dtype"] == np.int8
    assert details["quantization"] == (pytest.approx(1 / 255, rel=1e-6), -128)
    assert details["shape"].tolist() == [1, 16, 16, 1]
    assert details["shape_signature"].tolist() == [1, 16, 16, 1]


def test_int8_output_saturates_at_the_range_of_images(int8_model: Path) -> None:
    details = Interpreter(str(int8_model)).get_output_details()[0]
    assert details["dtype"] == np.int8
    assert details["quantization"] == (pytest.approx(1 / 255, rel=1e-6), -128)


def test_exported_transposed_convolutions_are_of_version_3(int8_model: Path) -> None:
    assert {version for version, _ in transposed_convolutions(int8_model.read_bytes())} == {3}


def test_full_size_int8_file_is_small(tmp_path: Path) -> None:
    generator = generator_with_random_statistics(32, 3, 8)
    folded = fold_generator(generator)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    aware = make_quantization_aware(build_twin(folded, 32), folded, to_input(images))
    batches = PairedBatches(images[:2], images[2:], TrainConfig(batch_size=2), 0)
    fine_tune(aware, batches, match_float_output(generator), 1, 1e-4, lambda *_: None)
    path = tmp_path / "full.tflite"
    path.write_bytes(convert(aware, Precision.INT8))
    assert path.stat().st_size <= FULL_SIZE_LIMIT
    assert not float_tensors(path)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [(Precision.FLOAT32, 1e-6), (Precision.FLOAT16, 2e-3)]
)
def test_float_files_score_like_keras(
    small_run: Run, precision: Precision, tolerance: float
) -> None:
    path = export(small_run, Variant(precision))
    images = load_recorded_splits(small_run).validation.data.images
    expected = score_images(load_generator(small_run.generator_path), images)
    np.testing.assert_allclose(TfliteModel(path).score(images), expected, atol=tolerance)


def test_int8_scores_stay_close_to_keras(small_run: Run, int8_model: Path) -> None:
    images = load_recorded_splits(small_run).validation.data.images
    expected = score_images(load_generator(small_run.generator_path), images)
    assert np.abs(TfliteModel(int8_model).score(images) - expected).mean() < 0.01


def test_manifest_describes_the_bundle(small_run: Run, int8_model: Path) -> None:
    manifest = json.loads((int8_model.parent / "manifest.json").read_text())
    assert manifest["files"] == {
        "model.tflite": hashlib.sha256(int8_model.read_bytes()).hexdigest()
    }
    assert manifest["run"] == small_run.identity["id"]
    assert manifest["input"] == {"height": 16, "width": 16, "channels": 1, "range": [0, 1]}


def test_exporting_again_gives_the_same_model_and_leaves_nothing_else(
    small_run: Run, int8_model: Path
) -> None:
    images = load_recorded_splits(small_run).validation.data.images[:50]
    before = TfliteModel(int8_model).reconstruct(images)
    again = TfliteModel(export(small_run, Variant())).reconstruct(images)
    assert np.array_equal(before, again)
    assert not [path for path in int8_model.parent.iterdir() if path.name.startswith(".")]


def test_an_unfinished_run_is_not_exported(small_run: Run, tmp_path: Path) -> None:
    unfinished = Run(tmp_path, small_run.config, small_run.identity)
    with pytest.raises(UserError, match="--resume"):
        export(unfinished, Variant())
