"""Pictures that are unlike those of training, and scores that are not a number."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from PIL import Image

from ganad_station.bundle import Bundle
from ganad_station.files import sha256
from ganad_station.inspector import Inspector
from ganad_station.manifest import Manifest
from ganad_tf.cli import cli
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run
from tests.support.programs import run_program
from tests.support.stations import change_manifest, records, watch

UNLIKE = "unlike the training pictures (too dark: 0, at least "
NO_NUMBER = "the model gives it a score that is not a number"


@pytest.fixture
def pictures(small_run: Run, tmp_path: Path) -> Path:
    """A good part and a black frame."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(small_run.splits.test.normals[0][:, :, 0]).save(folder / "good.png")
    Image.new("L", (16, 16)).save(folder / "lamp.png")
    return folder


@pytest.fixture
def not_a_number(bundles: dict[str, Path], tmp_path: Path) -> Path:
    """A bundle with a float model that has NaN in one of its weights."""
    folder = tmp_path / "bundle"
    shutil.copytree(bundles["jetson"], folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (entry,) = [model for model in manifest["models"] if "fp16" in model["file"]]
    path = folder / entry["file"]
    model = onnx.load(path)
    # A ReLU would replace NaN by 0, so the weight has to be one of the last layer.
    last = [node for node in model.graph.node if node.op_type.startswith("Conv")][-1]
    (weights,) = [tensor for tensor in model.graph.initializer if tensor.name == last.input[1]]
    values = numpy_helper.to_array(weights).copy()
    values.flat[0] = np.nan
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(model, path)
    files = {**manifest["files"], path.name: sha256(path)}
    change_manifest(folder, models=[entry], files=files)
    return folder


def test_score_refuses_a_black_frame(bundle_folder: Path, pictures: Path) -> None:
    result = run_program(bundle_folder, "score", pictures)
    assert result.returncode == 2
    good, lamp = result.stdout.splitlines()
    assert good.endswith("good.png")
    assert lamp.startswith(f"ERROR: {UNLIKE}")
    result = run_program(bundle_folder, "score", "--json", pictures)
    good, lamp = map(json.loads, result.stdout.splitlines())
    assert good["problem"] is None
    assert (lamp["decision"], lamp["score"]) == ("ERROR", None)
    assert lamp["problem"].startswith(UNLIKE)
    result = run_program(bundle_folder, "score", "--any-picture", pictures)
    assert result.returncode == 0
    assert "ERROR" not in result.stdout


def test_watch_records_a_black_frame_as_an_error(
    bundle_folder: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with watch(bundle_folder, pictures, out) as station:
        station.wait_for(lambda: len(records(out)) == 2)
        assert station.terminate() == 0
        assert UNLIKE in station.output
    by_file = {record["file"]: record for record in records(out)}
    assert by_file["lamp.png"]["decision"] == "ERROR"
    assert by_file["lamp.png"]["score"] is None
    assert by_file["lamp.png"]["error"].startswith(UNLIKE)
    assert by_file["good.png"]["error"] is None


def test_calibration_leaves_out_what_is_unlike(copied: Path, good_pictures: Path) -> None:
    Image.new("L", (16, 16)).save(good_pictures / "lamp.png")
    result = run_program(copied, "calibrate", good_pictures, "--false-reject-rate", "0.1")
    assert result.returncode == 0, result.stderr
    assert f"warning: left out: {good_pictures / 'lamp.png'} is {UNLIKE}" in result.stderr


def test_an_old_bundle_is_not_checked(copied: Path, pictures: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    del manifest["appearance"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert Manifest.read(copied).appearance is None
    result = run_program(copied, "score", pictures)
    assert result.returncode == 0
    assert "ERROR" not in result.stdout


def test_the_stored_picture_is_not_checked(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["appearance"]["bounds"]["brightness"] = {"low": 250, "high": None}
    change_manifest(copied, appearance=manifest["appearance"])
    assert Inspector(Bundle.open(copied)).inspect(copied / "selftest.png").is_unlike
    for command in (["selftest"], ["bench", "--count", "2"]):
        assert run_program(copied, *command).returncode == 0


def test_a_score_that_is_not_a_number_is_an_error(
    not_a_number: Path, pictures: Path, tmp_path: Path
) -> None:
    result = run_program(not_a_number, "score", "--json", pictures / "good.png")
    assert result.returncode == 2
    (record,) = [
        json.loads(line, parse_constant=pytest.fail) for line in result.stdout.splitlines()
    ]
    assert (record["decision"], record["score"]) == ("ERROR", None)
    assert record["problem"].startswith(NO_NUMBER)
    out = tmp_path / "out"
    with watch(not_a_number, pictures, out) as station:
        station.wait_for(lambda: len(records(out)) == 2)
        assert station.terminate() == 0
    assert [record["decision"] for record in records(out)] == ["ERROR", "ERROR"]
    assert "NaN" not in (out / "results.jsonl").read_text()


def test_ganad_tf_score_says_the_same(small_run: Run, pictures: Path, tmp_path: Path) -> None:
    command = ["score", str(pictures), "--run", str(small_run.folder), "--out"]
    table = tmp_path / "scores.jsonl"
    result = CliRunner().invoke(cli, [*command, str(table)])
    assert result.exit_code == 2
    assert "lamp.png is an error: unlike the training pictures" in result.output
    good, lamp = map(json.loads, table.read_text().splitlines())
    assert good["problem"] is None
    assert (lamp["decision"], lamp["score"]) == ("ERROR", None)
    assert lamp["problem"].startswith(UNLIKE)
    assert CliRunner().invoke(cli, [*command, str(table), "--any-picture"]).exit_code == 0


def test_ganad_tf_score_of_a_run_that_gives_nan(
    small_run: Run, pictures: Path, tmp_path: Path
) -> None:
    run = Run.open(shutil.copytree(small_run.folder, tmp_path / "run"))
    generator = Scorer.of(run).generator
    generator.set_weights([np.full_like(weights, np.nan) for weights in generator.get_weights()])
    generator.save(run.generator_path)
    table = tmp_path / "scores.jsonl"
    command = ["score", str(pictures), "--run", str(run.folder), "--out", str(table)]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 2
    for line in table.read_text().splitlines():
        record = json.loads(line, parse_constant=pytest.fail)
        assert (record["decision"], record["score"]) == ("ERROR", None)
        assert record["problem"].startswith(NO_NUMBER)
