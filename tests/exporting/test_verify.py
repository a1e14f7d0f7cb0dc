import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from ganad_station.bundle import Bundle
from ganad_station.manifest import SCHEMA_VERSION
from ganad_tf.errors import UserError
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.exporting.quantization.folding import fold_generator
from ganad_tf.exporting.quantization.twin import build_twin
from ganad_tf.exporting.tflite.conversion import convert
from ganad_tf.exporting.verify import compare, verify
from ganad_tf.models.generator import build_generator
from ganad_tf.run import Run
from ganad_tf.targets.recipe import Precision


def write_untrained(path: Path, size: int) -> Path:
    path.write_bytes(
        convert(build_twin(fold_generator(build_generator(size, 1)), size), Precision.FLOAT32)
    )
    return path


def test_figures_equal_an_independent_computation() -> None:
    rng = np.random.default_rng(0)
    is_anomaly = rng.random(200) < 0.5
    reference = rng.random(200) + 0.5 * is_anomaly
    scores = reference + rng.normal(0, 0.1, 200)
    result = compare(
        ScoredSplit.of_labels(is_anomaly, scores, np.arange(len(is_anomaly))),
        reference,
        model="a",
        max_drop=0.5,
        threshold=0.8,
        float_bytes=4,
        exported_bytes=1,
    )
    assert result.float_auroc == pytest.approx(roc_auc_score(is_anomaly, reference))
    assert result.exported_auroc == pytest.approx(roc_auc_score(is_anomaly, scores))
    assert result.difference.value == pytest.approx(result.exported_auroc - result.float_auroc)
    assert result.rank_correlation == pytest.approx(spearmanr(scores, reference)[0])
    assert result.flipped_to_reject == np.sum((scores > 0.8) & ~(reference > 0.8))
    assert result.flipped_to_accept == np.sum(~(scores > 0.8) & (reference > 0.8))
    assert result.is_verified


@pytest.mark.parametrize(("max_drop", "passes"), [(0.249, False), (0.251, True)])
def test_a_drop_passes_up_to_the_limit(max_drop: float, passes: bool) -> None:
    is_anomaly = np.array([False, False, True, True])
    reference = np.array([0.1, 0.2, 0.3, 0.4])
    scores = np.array([0.1, 0.3, 0.2, 0.4])  # one of four pairs is ranked wrongly
    result = compare(
        ScoredSplit.of_labels(is_anomaly, scores, np.arange(len(is_anomaly))),
        reference,
        model="a",
        max_drop=max_drop,
        threshold=0.25,
        float_bytes=4,
        exported_bytes=1,
    )
    assert result.difference.value == -0.25
    assert result.is_verified == passes


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
    exported = [float(row["exported_score"]) for row in rows]
    assert roc_auc_score(test.is_anomaly, exported) == pytest.approx(result.exported_auroc)


def test_a_file_that_decides_otherwise_fails(small_run: Run, tmp_path: Path) -> None:
    (result,) = verify([write_untrained(tmp_path / "other.tflite", 16)], small_run)
    assert not result.is_verified
    assert result.difference.value < -0.1


def test_a_failure_marks_the_bundle_unverified(
    small_run: Run, int8_model: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(int8_model.parent, bundle)
    verify([bundle / "model.tflite"], small_run, max_drop=0.05)
    assert Bundle.open(bundle).manifest.is_verified
    verify([bundle / "model.tflite"], small_run, max_drop=-1.0)
    assert not Bundle.open(bundle).manifest.is_verified


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
