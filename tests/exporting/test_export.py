import hashlib
import os
import shutil
import stat
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter

from ganad_station.bundle import Bundle
from ganad_station.calibration import Calibration
from ganad_station.choice import open_model
from ganad_station.manifest import Manifest
from ganad_station.runtimes.litert import LiteRtModel
from ganad_station.score import to_input
from ganad_tf.config import TrainConfig
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.errors import UserError
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.exporting.export import export
from ganad_tf.exporting.quantization.aware import fine_tune, make_quantization_aware
from ganad_tf.exporting.quantization.objectives import match_float_output
from ganad_tf.exporting.quantization.preparation import prepare
from ganad_tf.exporting.runtimes import open_in_all_runtimes
from ganad_tf.exporting.tflite.conversion import IoType, convert
from ganad_tf.exporting.tflite.file import float_tensors, read_tensors
from ganad_tf.exporting.tflite.lowering import lower_transposed_convolutions
from ganad_tf.exporting.tflite.subpixel import replace_narrow_transposed_convolutions
from ganad_tf.exporting.variants import bundle_name, recipes_for
from ganad_tf.exporting.verify import verify
from ganad_tf.run import Run
from ganad_tf.system.files import TEMPORARY
from ganad_tf.targets.profile import TARGETS
from ganad_tf.targets.reading import read_graph
from ganad_tf.targets.recipe import Precision, Scheme, Variant
from tests.support.generators import generator_with_random_statistics
from tests.support.tflite_files import transposed_convolutions

FULL_SIZE_LIMIT = 112_000
POST_TRAINING = Variant(is_post_training=True)


def test_int8_file_has_int8_tensors_and_int32_biases_only(int8_model: Path) -> None:
    tensors = read_tensors(int8_model)
    assert {tensor.dtype for tensor in tensors} == {np.dtype(np.int8), np.dtype(np.int32)}
    # Beside the biases, the transposed convolutions have an int32 constant: their output shape.
    shapes = [t for t in tensors if t.dtype == np.int32 and not t.is_quantized]
    assert len(shapes) <= 4
    assert not float_tensors(int8_model)


def test_int8_files_requantize_nothing(bundles: dict[str, Path]) -> None:
    """Both sides of each concatenation have one scale, so these operators are all there is."""
    expected = Counter(CONV_2D=4, TRANSPOSE_CONV=4, CONCATENATION=3)
    assert operators(bundles["coral"] / "model.tflite") == expected
    expected = Counter(CONV_2D=5, TRANSPOSE_CONV=3, CONCATENATION=3, DEPTH_TO_SPACE=1)
    assert operators(bundles["cpu"] / "model.tflite") == expected


def operators(path: Path) -> Counter[str]:
    graph = read_graph(path)
    return Counter(operator.kind for operator in graph.operators)


def test_coral_and_cpu_files_reconstruct_the_same(small_run: Run, bundles: dict[str, Path]) -> None:
    images = small_run.splits.test.data.images
    coral, cpu = (open_model(bundles[name] / "model.tflite") for name in ("coral", "cpu"))
    assert np.array_equal(coral.reconstruct(images), cpu.reconstruct(images))


@pytest.mark.parametrize("variant", [Variant(), POST_TRAINING])
def test_int8_input_is_exactly_the_pixel_minus_128(
    small_run: Run, int8_model: Path, variant: Variant
) -> None:
    path = int8_model if variant == Variant() else export(small_run, ["cpu"], variant)[0]
    interpreter = Interpreter(str(path))
    details = interpreter.get_input_details()[0]
    assert details["dtype"] == np.int8
    assert details["quantization"] == (pytest.approx(1 / 255, rel=1e-6), -128)
    assert details["shape"].tolist() == [1, 16, 16, 1]
    assert details["shape_signature"].tolist() == [1, 16, 16, 1]


def test_int8_output_saturates_at_the_range_of_images(int8_model: Path) -> None:
    details = Interpreter(str(int8_model)).get_output_details()[0]
    assert details["dtype"] == np.int8
    assert details["quantization"] == (pytest.approx(1 / 255, rel=1e-6), -128)


def test_uint8_input_and_output_are_the_pixels_and_change_nothing(
    small_run: Run, int8_model: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path, small_run.config, small_run.identity)
    for name in ("generator.keras", "config.toml", "run.json", "metrics.json"):
        os.link(small_run.folder / name, tmp_path / name)
    (path,) = export(run, ["coral"], io_type=IoType.UINT8)
    for details in (
        Interpreter(str(path)).get_input_details()[0],
        Interpreter(str(path)).get_output_details()[0],
    ):
        assert details["dtype"] == np.uint8
        assert details["quantization"] == (pytest.approx(1 / 255, rel=1e-6), 0)
    images = small_run.splits.test.data.images[:50]
    expected = LiteRtModel(int8_model).reconstruct(images)
    assert np.array_equal(LiteRtModel(path).reconstruct(images), expected)


def test_exported_transposed_convolutions_are_of_version_3(int8_model: Path) -> None:
    assert {version for version, _ in transposed_convolutions(int8_model.read_bytes())} == {3}


def test_full_size_int8_file_is_small(tmp_path: Path) -> None:
    generator = generator_with_random_statistics(32, 3, 8)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    aware = make_quantization_aware(prepare(generator, to_input(images)), Scheme.ASYMMETRIC)
    batches = PairedBatches(images[:2], images[2:], TrainConfig(batch_size=2), 0)
    fine_tune(aware, batches, match_float_output(generator), 1, 1e-4, lambda *_: None)
    path = tmp_path / "full.tflite"
    lowered = lower_transposed_convolutions(convert(aware, Precision.INT8))
    path.write_bytes(replace_narrow_transposed_convolutions(lowered))
    assert path.stat().st_size <= FULL_SIZE_LIMIT
    assert not float_tensors(path)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [(Precision.FLOAT32, 1e-6), (Precision.FLOAT16, 2e-3)]
)
def test_float_files_score_like_keras(
    small_run: Run, precision: Precision, tolerance: float
) -> None:
    paths = export(small_run, ["cpu"], Variant(precision))
    images = small_run.splits.validation.data.images
    expected = Scorer.of(small_run).scores(images)
    assert [path.name for path in paths] == ["model.tflite", "model.onnx"]
    for path in paths:
        np.testing.assert_allclose(open_model(path).score(images), expected, atol=tolerance)


def test_int8_scores_stay_close_to_keras_on_every_target(
    small_run: Run, bundles: dict[str, Path]
) -> None:
    images = small_run.splits.validation.data.images
    expected = Scorer.of(small_run).scores(images)
    for target, folder in bundles.items():
        for recipe in recipes_for(target, Variant()):
            scores = open_model(folder / recipe.file).score(images)
            assert np.abs(scores - expected).mean() < 0.005


def test_bundles_are_verified_and_whole(small_run: Run, bundles: dict[str, Path]) -> None:
    assert set(bundles) == set(TARGETS)
    for target, folder in bundles.items():
        manifest = Bundle.open(folder).manifest
        assert manifest.is_verified
        assert manifest.target == target
        assert manifest.run == small_run.identity.id
        assert manifest.input.shape == (16, 16, 1)
        names = {path.name for path in folder.iterdir() if path.is_file()}
        assert set(manifest.files) == names - {"manifest.json"}
        assert {"station.pyz", "README.md", "selftest.png"} < names
        assert target in (folder / "README.md").read_text().lower()


def test_manifest_has_the_hashes_of_the_files(bundle_folder: Path) -> None:
    for name, digest in Manifest.read(bundle_folder).files.items():
        assert hashlib.sha256((bundle_folder / name).read_bytes()).hexdigest() == digest


def test_the_threshold_of_a_file_is_set_from_its_own_scores(
    small_run: Run, bundles: dict[str, Path]
) -> None:
    normals = small_run.splits.validation.normals
    for folder in bundles.values():
        manifest = Bundle.open(folder).manifest
        assert set(manifest.thresholds) == {model.file for model in manifest.models}
        for name, threshold in manifest.thresholds.items():
            each = [
                model.score(normals).max() for model in open_in_all_runtimes(folder / name).values()
            ]
            # 25 good parts: the largest score of all, under the runtime that gives the largest.
            assert threshold.value == max(each)
            assert threshold.calibrated_on == f"the good pictures of validation, {name}"
            assert threshold.false_reject_rate == small_run.threshold.false_reject_rate
            assert threshold.confidence == 0.95


def test_jetson_file_has_zero_points_of_zero(bundles: dict[str, Path]) -> None:
    model = onnx.load(bundles["jetson"] / "model.onnx")
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in model.graph.initializer}
    kinds = ("QuantizeLinear", "DequantizeLinear")
    quantizing = [node for node in model.graph.node if node.op_type in kinds]
    assert quantizing
    assert not any(constants[node.input[2]].any() for node in quantizing)


def test_the_station_program_is_the_same_for_the_same_sources(bundles: dict[str, Path]) -> None:
    programs = {folder.joinpath("station.pyz").read_bytes() for folder in bundles.values()}
    assert len(programs) == 1
    with zipfile.ZipFile(bundles["cpu"] / "station.pyz") as archive:
        names = archive.namelist()
    assert {"__main__.py", "bottle.py", "ganad_station/score.py"} < set(names)
    assert not [name for name in names if "tensorflow" in name or name.endswith(".pyc")]


def test_exporting_again_gives_the_same_model_and_keeps_what_the_user_set(
    small_run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("bundles"))
    run = Run.open(folder)
    (first,) = export(run, ["cpu"], POST_TRAINING)
    before = first.read_bytes()
    bundle = first.parent
    Calibration.make(first, [0.1, 0.25], 0.5, 0.7).write(bundle)
    (bundle / "notes.txt").write_text("line 3")
    (again,) = export(run, ["cpu"], POST_TRAINING)
    assert again.read_bytes() == before
    opened = Bundle.open(bundle)
    assert opened.threshold == 0.25
    assert "notes.txt" not in opened.manifest.files
    assert (bundle / "notes.txt").read_text() == "line 3"
    assert not list(bundle.parent.glob(f"{TEMPORARY}*"))


def test_an_unfinished_run_is_not_exported(small_run: Run, tmp_path: Path) -> None:
    unfinished = Run(tmp_path, small_run.config, small_run.identity)
    with pytest.raises(UserError, match="--resume"):
        export(unfinished, ["cpu"])
    os.link(small_run.generator_path, unfinished.generator_path)
    with pytest.raises(UserError, match="is not evaluated: ganad-tf evaluate --run"):
        export(unfinished, ["cpu"])


def test_the_promise_that_evaluate_made_is_exported_and_verified(
    small_run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("bundles"))
    run = Run.open(folder)
    values = []
    for rate in (0.001, 0.3):
        evaluate(run, rate)
        (path,) = export(run, ["cpu"], POST_TRAINING)
        threshold = Bundle.open(path.parent).manifest.threshold
        assert threshold.false_reject_rate == run.threshold.false_reject_rate
        assert threshold.requested_rate == rate
        (verification,) = verify([path], run, max_drop=1)
        assert verification.threshold == run.threshold.value
        assert verification.exported_threshold == threshold.value
        values.append(threshold.value)
    assert values[1] < values[0]


def test_a_calibrated_threshold_moves_with_the_scores_of_a_file(
    small_run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("bundles"))
    run = Run.open(folder)
    calibration = Calibration.make(run.generator_path, np.linspace(0, 0.25, 300).tolist(), 0.01)
    calibration.write(folder)
    (path,) = export(run, ["cpu"], POST_TRAINING)
    threshold = Bundle.open(path.parent).manifest.threshold
    normals = run.splits.validation.normals
    expected = Scorer.of(run).scores(normals)
    shift = max(
        np.median(model.score(normals) - expected) for model in open_in_all_runtimes(path).values()
    )
    assert threshold.value == pytest.approx(0.25 + shift)
    assert threshold.false_reject_rate == calibration.false_reject_rate
    assert f"float model, {shift:+.5f} for model.tflite" in threshold.calibrated_on
    (verification,) = verify([path], run, max_drop=1)
    assert verification.threshold == 0.25
    assert verification.exported_threshold == threshold.value


def test_a_run_is_exported_by_one_process_at_a_time(small_run: Run) -> None:
    with small_run.exclusively(), pytest.raises(UserError, match="in use by another process"):
        export(small_run, ["cpu"])


def test_targets_and_variants_that_do_not_exist(small_run: Run) -> None:
    with pytest.raises(UserError, match="unknown target 'tpu'"):
        export(small_run, ["tpu"])
    with pytest.raises(UserError, match="for comparison, on target cpu alone"):
        export(small_run, ["coral"], Variant(Precision.FLOAT16))


def test_bundles_have_names_of_their_own() -> None:
    names = [bundle_name(target, Variant()) for target in TARGETS]
    names += [bundle_name("cpu", Variant(p)) for p in (Precision.FLOAT16, Precision.FLOAT32)]
    names += [bundle_name("cpu", POST_TRAINING)]
    assert len(set(names)) == len(names) == 6


FAKE_COMPILER = """#!/bin/sh
# Says what edgetpu_compiler 16.0 says, in its format.
for last; do :; done
cp "$last" "${last%.tflite}_edgetpu.tflite"
echo "Edge TPU Compiler version 16.0.384591198"
echo "Number of operations that will run on Edge TPU: 11"
echo "Number of operations that will run on CPU: 0"
"""


def test_edgetpu_compiler_is_run_where_it_is_on_path(
    bundles: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The compiler itself cannot be installed here; this stands in for it."""
    from ganad_tf.exporting.edgetpu import Compilation, compile_for_edge_tpu

    compiler = tmp_path / "bin" / "edgetpu_compiler"
    compiler.parent.mkdir()
    compiler.write_text(FAKE_COMPILER)
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{compiler.parent}:{os.environ['PATH']}")
    model = tmp_path / "model.tflite"
    model.write_bytes((bundles["coral"] / "model.tflite").read_bytes())
    assert compile_for_edge_tpu(model) == Compilation(on_edge_tpu=11, on_cpu=0)
    assert (tmp_path / "model_edgetpu.tflite").is_file()
    compiler.write_text("#!/bin/sh\necho 'ERROR: Didn'\\''t find op'; exit 1\n")
    with pytest.raises(UserError, match=r"refused .*Didn't find op"):
        compile_for_edge_tpu(model)
