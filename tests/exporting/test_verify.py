import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ganad_station.bundle import Bundle
from ganad_station.manifest import SCHEMA_VERSION
from ganad_station.verification import Outcome
from ganad_tf.errors import UserError
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.exporting.quantization.folding import fold_generator
from ganad_tf.exporting.quantization.twin import build_twin
from ganad_tf.exporting.runtimes import open_in_all_runtimes
from ganad_tf.exporting.tflite.conversion import convert
from ganad_tf.exporting.verify import verify
from ganad_tf.models.generator import build_generator
from ganad_tf.run import Run
from ganad_tf.targets.recipe import Precision


def write_untrained(path: Path, size: int) -> Path:
    path.write_bytes(
        convert(build_twin(fold_generator(build_generator(size, 1)), size), Precision.FLOAT32)
    )
    return path


def test_the_exported_file_is_verified_and_recorded(small_run: Run, int8_model: Path) -> None:
    (result,) = verify([int8_model], small_run, max_drop=0.05)
    test = small_run.splits.test
    scores = Scorer.of(small_run).scores(test.data.images)
    assert result.images == len(test.data)
    assert result.float_auroc == pytest.approx(roc_auc_score(test.is_anomaly, scores))
    assert result.exported_bytes == int8_model.stat().st_size
    assert result.float_bytes == 4 * 97_312
    assert result.is_verified
    recorded = json.loads((int8_model.parent / "manifest.json").read_text())["verification"]
    assert recorded["model.tflite"]["exported_auroc"] == result.exported_auroc
    evidence = int8_model.parent / "verification"
    written = json.loads((evidence / "model.tflite.json").read_text())
    assert written["exported_auroc"] == result.exported_auroc
    assert (evidence / "model.tflite.png").stat().st_size > 0
    with (evidence / "model.tflite.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == test.data.names.tolist()
    assert all(np.isfinite(float(row["LiteRT without XNNPACK"])) for row in rows)
    exported = [float(row["exported_score"]) for row in rows]
    assert roc_auc_score(test.is_anomaly, exported) == pytest.approx(result.exported_auroc)


def test_a_file_that_decides_otherwise_fails(small_run: Run, tmp_path: Path) -> None:
    (result,) = verify([write_untrained(tmp_path / "other.tflite", 16)], small_run)
    assert result.outcome is Outcome.FAILED
    assert not result.is_verified
    assert result.difference.value < -0.1
    assert result.reason.startswith("LiteRT: AUROC falls by 0.")


def test_the_manifest_has_the_outcome_under_each_runtime(
    small_run: Run, int8_model: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(int8_model.parent, bundle)
    (result,) = verify([bundle / "model.onnx"], small_run)
    entry = Bundle.open(bundle).manifest.verification["model.onnx"]
    assert list(entry.runtimes) == ["onnxruntime", "onnxruntime, Q/DQ as written"]
    assert entry == result.to_entry()
    assert entry.outcome is Outcome.VERIFIED
    assert entry.reason == ""
    (result,) = verify([bundle / "model.tflite"], small_run)
    assert list(result.runtimes) == ["LiteRT", "LiteRT without XNNPACK"]


def test_a_limit_that_the_pictures_cannot_resolve_leaves_it_undecided(
    small_run: Run, int8_model: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(int8_model.parent, bundle)
    (result,) = verify([bundle / "model.tflite"], small_run, max_drop=1e-6)
    assert result.outcome is Outcome.UNDECIDED
    assert "AUROC may fall by 0.00" in result.reason
    assert "would do" in result.reason
    manifest = Bundle.open(bundle).manifest
    assert manifest.outcome is Outcome.UNDECIDED
    assert not manifest.is_verified
    assert manifest.verification["model.tflite"].reason == result.reason


def test_kernels_without_xnnpack_are_the_reference_kernels(
    small_run: Run, bundles: dict[str, Path]
) -> None:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    path = bundles["coral"] / "model.tflite"
    images = small_run.splits.test.data.images[:50]
    found = open_in_all_runtimes(path)["LiteRT without XNNPACK"].reconstruct(images)
    reference = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    reference.allocate_tensors()
    (taken,), (given,) = reference.get_input_details(), reference.get_output_details()
    for image, expected in zip(images, found, strict=True):
        reference.set_tensor(taken["index"], (image ^ np.uint8(128)).view(np.int8)[np.newaxis])
        reference.invoke()
        levels = reference.get_tensor(given["index"])[0]
        assert np.array_equal(levels.view(np.uint8) ^ np.uint8(128), expected)


def test_files_that_cannot_be_verified(small_run: Run, int8_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        verify([tmp_path / "none.tflite"], small_run)
    (tmp_path / "text.tflite").write_text("no model")
    with pytest.raises(UserError, match="cannot be loaded"):
        verify([tmp_path / "text.tflite"], small_run)
    with pytest.raises(UserError, match=r"takes images of shape \(32, 32, 1\)"):
        verify([write_untrained(tmp_path / "large.tflite", 32)], small_run)
    bundle = tmp_path / "bundle"
    shutil.copytree(int8_model.parent, bundle)
    write_untrained(bundle / "model.tflite", 16)
    with pytest.raises(UserError, match="is not the file that"):
        verify([bundle / "model.tflite"], small_run)


def test_a_file_of_another_run_is_refused(small_run: Run, int8_model: Path) -> None:
    other = Run(
        small_run.folder, small_run.config, dataclasses.replace(small_run.identity, id="another")
    )
    before = (int8_model.parent / "manifest.json").read_text()
    with pytest.raises(UserError, match="was exported from run"):
        verify([int8_model], other)
    assert (int8_model.parent / "manifest.json").read_text() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "is not a JSON object"),
        ("{}", "is not a manifest"),
        (json.dumps({"schema_version": SCHEMA_VERSION, "files": {}}), "lacks 'ganad_tf'"),
        ('{"schema_version": 9}', "schema version 9"),
        ("{", "cannot be read"),
    ],
)
def test_a_damaged_manifest_is_refused(
    small_run: Run, int8_model: Path, tmp_path: Path, content: str, message: str
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(int8_model.parent, bundle)
    (bundle / "manifest.json").write_text(content)
    with pytest.raises(UserError, match=message):
        verify([bundle / "model.tflite"], small_run)
