import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ganad_station.bundle import Bundle
from ganad_station.exit_codes import INTERRUPTED
from ganad_tf.cli import cli
from ganad_tf.run import Run
from ganad_tf.system.files import TEMPORARY
from tests.support.parts import save_part

TINY = """
[train]
epochs = 3
passes = 4
shift = 1
"""


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def start(*arguments: object, cwd: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "ganad_tf", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=take_interrupts,  # noqa: PLW1509 (no threads run here)
    )


def take_interrupts() -> None:
    """Undo what a shell does to the processes that it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_to_end(*arguments: object, cwd: Path) -> tuple[int, str]:
    process = start(*arguments, cwd=cwd)
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def assert_refused(result: Result, *words: str) -> None:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    lines = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    for word in words:
        assert word in lines[0]


def test_help_and_import_do_not_load_tensorflow() -> None:
    code = (
        "import sys, ganad_tf.cli; ganad_tf.cli.cli(['--help'], standalone_mode=False); "
        "assert not {'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "train" in result.stdout


def test_every_command_explains_itself() -> None:
    for command in ("train", "evaluate", "export", "verify"):
        result = invoke(command, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.output


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "tiny.toml").write_text(TINY)
    code, output = run_to_end("train", "--config", "tiny.toml", "--name", "r", cwd=folder)
    assert code == 0, output
    return folder / "runs" / "r"


@pytest.mark.slow
@pytest.mark.parametrize("epochs_before_the_kill", [0, 1])
def test_killed_training_resumes_to_the_same_end(
    undisturbed: Path, tmp_path: Path, epochs_before_the_kill: int
) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    process = start("train", "--config", "tiny.toml", "--name", "r", cwd=tmp_path)
    run = tmp_path / "runs" / "r"
    wait_for_epochs(run, epochs_before_the_kill, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (run / "generator.keras").exists()
    code, output = run_to_end("train", "--resume", cwd=tmp_path)
    assert code == 0, output
    metrics = (run / "metrics.json").read_text()
    assert json.loads(metrics) == json.loads((undisturbed / "metrics.json").read_text())
    epochs, expected = (
        json.loads((folder / "history.json").read_text()) for folder in (run, undisturbed)
    )
    for name in ("validation_auroc", "validation_error_normal", "validation_error_anomaly"):
        assert [epoch[name] for epoch in epochs] == [epoch[name] for epoch in expected]
    # Of a loss that is only reported, the last digit was once another one.
    assert epochs == [pytest.approx(epoch, rel=1e-6) for epoch in expected]


@pytest.mark.slow
def test_an_interrupt_says_how_to_continue(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    process = start("train", "--config", "tiny.toml", "--name", "r", cwd=tmp_path)
    wait_for_epochs(tmp_path / "runs" / "r", 1, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "to continue: ganad-tf train --resume runs/r" in output
    assert "Traceback" not in output


def wait_for_epochs(run: Path, epochs: int, process: subprocess.Popen) -> None:
    """Wait until the run has that many epochs, and then into the middle of the next."""
    deadline = time.monotonic() + 120
    waited_for = run / ("last.keras" if epochs else "run.json")
    history = run / "history.json"
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        done = len(json.loads(history.read_text())) if history.exists() else 0
        if waited_for.exists() and done >= epochs:
            time.sleep(0.15)
            return
        time.sleep(0.02)
    raise AssertionError("training did not get that far")


def copy_run(run: Run, folder: Path) -> None:
    shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("bundles"))


def test_training_killed_before_its_evaluation_is_evaluated_by_resume(
    small_run: Run, tmp_path: Path
) -> None:
    copy_run(small_run, tmp_path / "runs" / "r")
    (tmp_path / "runs" / "r" / "metrics.json").unlink()
    result = invoke("train", "--resume", "--runs", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    metrics = (tmp_path / "runs" / "r" / "metrics.json").read_text()
    assert json.loads(metrics) == json.loads((small_run.folder / "metrics.json").read_text())


def test_a_run_that_cannot_be_opened_does_not_stand_in_the_way(
    small_run: Run, tmp_path: Path
) -> None:
    copy_run(small_run, tmp_path / "good")
    (tmp_path / "of the future").mkdir()
    identity = json.loads((small_run.folder / "run.json").read_text())
    future = {**identity, "schema_version": 9, "created": "2999"}
    (tmp_path / "of the future" / "run.json").write_text(json.dumps(future))
    result = invoke("evaluate", "--runs", tmp_path)
    assert result.exit_code == 0, result.output


def test_train_prints_progress_and_the_table(small_run: Run, tmp_path: Path) -> None:
    copy_run(small_run, tmp_path / "runs" / "r")
    result = invoke("evaluate", "--runs", tmp_path / "runs", "--false-reject-rate", 0.1)
    assert result.exit_code == 0, result.output
    assert "AUROC" in result.output
    promise = "promises at most 11.3 % false rejects with 95 % confidence"
    assert f"{promise} (25 good parts; 10 % takes 29)" in result.output
    metrics = json.loads((tmp_path / "runs" / "r" / "metrics.json").read_text())
    assert metrics["requested_false_reject_rate"] == 0.1
    assert metrics["auroc"]["low"] <= metrics["auroc"]["value"] <= metrics["auroc"]["high"]


def test_export_takes_the_newest_run_and_verifies(small_run: Run, tmp_path: Path) -> None:
    copy_run(small_run, tmp_path / "runs" / "old")
    copy_run(small_run, tmp_path / "runs" / "new")
    identity = json.loads((small_run.folder / "run.json").read_text())
    identity["created"] = "2999-01-01T00:00:00+00:00"
    (tmp_path / "runs" / "new" / "run.json").write_text(json.dumps(identity))
    rate = ("--run", tmp_path / "runs" / "new", "--false-reject-rate", 0.05)
    assert invoke("evaluate", *rate).exit_code == 0
    result = invoke("export", "--int8", "--runs", tmp_path / "runs", "--max-drop", 0.05)
    assert result.exit_code == 0, result.output
    bundle = tmp_path / "runs" / "new" / "bundles" / "cpu"
    assert Bundle.open(bundle).manifest.is_verified
    for file in ("cpu/model.tflite", "cpu/model.onnx"):
        assert file in result.output
    again = invoke("verify", bundle / "model.tflite", "--max-drop", 0.05)
    assert again.exit_code == 0, again.output
    for words in ("LiteRT without XNNPACK", f"{Bundle.open(bundle).threshold:.5f}", "verified"):
        assert words in again.output
    undecided = ("verify", bundle / "model.tflite", "--max-drop", 1e-6)
    result = invoke(*undecided)
    assert result.exit_code == 4
    assert "cpu/model.tflite: " in result.output
    assert "undecided, LiteRT" in result.output
    assert not Bundle.open(bundle).manifest.is_verified
    assert invoke(*undecided, "--accept-undecided").exit_code == 0


def test_a_run_at_chance_is_named_in_the_first_line(small_run: Run, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "chance"
    copy_run(small_run, run)
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["auroc"]["low"] = 0.387
    (run / "metrics.json").write_text(json.dumps(metrics))
    result = invoke("verify", run / "bundles" / "cpu" / "none.tflite")
    first = result.output.splitlines()[0]
    assert "no better than chance, its AUROC may be as low as 0.387" in first
    assert result.exit_code == 2


@pytest.mark.slow
def test_tensorboard_logs_on_request(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text("[train]\nepochs = 1\npasses = 1\n")
    result = invoke(
        *("train", "--config", tmp_path / "tiny.toml", "--tensorboard"),
        *("--runs", tmp_path, "--name", "r"),
    )
    assert result.exit_code == 0, result.output
    assert list((tmp_path / "r" / "tensorboard").rglob("events.*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "mnits"], ["unknown data set 'mnits'", "choose one of"]),
        (["--normal-class", 10], ["normal class 10 is out of range", "0 to 9"]),
        (["--normal-class", -1], ["normal class -1 is out of range"]),
        (["--size", 28], ["28 is not a multiple of 16", "try 32"]),
        (["--epochs", 0], ["epochs must be at least 1"]),
        (["--epochs", "x"], ["--epochs", "not a valid integer"]),
        (["--speed", 3], ["No such option", "--speed"]),
        (["--regime", "alternate"], ["regime must be one of joint, random"]),
        (["--config", "none.toml"], ["none.toml cannot be read"]),
        (["--dataset", "folder"], ["needs --data-dir"]),
        (["--dataset", "folder", "--data-dir", "."], ["no pictures of normal parts"]),
        (["--dataset", "cifar10", "--data-dir", "."], ["has no cifar10", "put cifar10.npz"]),
        (["--resume", "nowhere"], ["nowhere is no run folder"]),
        (["--resume"], ["holds no unfinished run"]),
        (["--resume", ".", "--epochs", 3], ["leave out --epochs"]),
    ],
)
def test_wrong_inputs_of_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(invoke("train", *arguments), *words)
    assert not (tmp_path / "runs").exists()


def test_image_that_cannot_be_read_is_left_out(
    tmp_path: Path, part_folder: Path, log: pytest.LogCaptureFixture
) -> None:
    (part_folder / "stain" / "bad.png").write_bytes(b"not a picture")
    arguments = ("--dataset", "folder", "--data-dir", part_folder, "--size", 32, "--epochs", 1)
    result = invoke("train", *arguments, "--runs", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    # Named when training loads the pictures, and when its evaluation does.
    (line,) = {message for message in log.messages if message.startswith("left out: ")}
    assert "stain/bad.png" in line


def test_folder_of_too_few_pictures(tmp_path: Path) -> None:
    for kind in ("normal", "dent"):
        (tmp_path / kind).mkdir()
        save_part(tmp_path / kind / "only.png", kind, 32, np.random.default_rng(0))
    arguments = ("--dataset", "folder", "--data-dir", tmp_path, "--runs", tmp_path / "runs")
    assert_refused(invoke("train", *arguments), "split has", "add pictures")


def test_wrong_inputs_of_the_other_commands(tmp_path: Path, small_run: Run) -> None:
    assert_refused(invoke("evaluate", "--runs", tmp_path), "holds no trained run")
    assert_refused(invoke("evaluate", "--run", tmp_path), "is no run folder")
    rate = ("--run", small_run.folder, "--false-reject-rate", 1.5)
    assert_refused(invoke("evaluate", *rate), "not in the range 0<x<1")
    assert_refused(invoke("export", "--run", tmp_path), "is no run folder")
    assert_refused(invoke("export", "--float16", "--ptq", "--run", tmp_path), "--ptq makes int8")
    assert_refused(invoke("export", "--target", "tpu"), "unknown target 'tpu'", "choose one of")
    assert_refused(invoke("export", "--target", "coral", "--float32"), "on target cpu alone")
    uint8 = ("--io", "uint8")
    assert_refused(invoke("export", "--target", "jetson", *uint8), "jetson has none")
    assert_refused(invoke("verify", tmp_path / "a.tflite"), "is in no run folder", "--run")
    for command in (("export",), ("verify", tmp_path / "a.tflite")):
        refused = invoke(*command, "--run", small_run.folder, "--false-reject-rate", 0.001)
        assert_refused(refused, "run ganad-tf evaluate --false-reject-rate 0.001 first")
    missing = (tmp_path / "a.tflite", "--run", small_run.folder)
    assert_refused(invoke("verify", *missing), "does not exist")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_is_one_clear_error(
    tmp_path: Path, small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "r"
    shutil.copytree(small_run.folder, run)
    before = (run / "metrics.json").read_text()
    (run / f"{TEMPORARY}{os.getpid()}.metrics.json").symlink_to("/dev/full")
    assert_refused(invoke("evaluate", "--run", run), "No space left on device")
    assert (run / "metrics.json").read_text() == before


def test_finished_runs_are_not_resumed(small_run: Run) -> None:
    assert_refused(invoke("train", "--resume", small_run.folder), "nothing to resume")


def test_run_and_checkpoint_of_another_version(tmp_path: Path, small_run: Run) -> None:
    run = tmp_path / "r"
    shutil.copytree(small_run.folder, run)
    (run / "generator.keras").unlink()
    rewrite_checkpoint(run / "last.keras", '"checkpoint_version": 1', '"checkpoint_version": 7')
    assert_refused(invoke("train", "--resume", run), "checkpoint version 7", "train again")
    identity = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**identity, "schema_version": 2}))
    assert_refused(invoke("train", "--resume", run), "schema version 2")


def rewrite_checkpoint(path: Path, old: str, new: str) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = members["config.json"].decode()
    assert old in config
    members["config.json"] = config.replace(old, new).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.slow
def test_the_first_command_of_the_readme(tmp_path: Path) -> None:
    code, output = run_to_end("train", cwd=tmp_path)
    assert code == 0, output
    code, output = run_to_end("export", "--int8", cwd=tmp_path)
    assert code == 0, output
    (verification,) = tmp_path.glob("runs/*/bundles/cpu/verification/model.tflite.json")
    figures = json.loads(verification.read_text())
    assert figures["float_auroc"] > 0.98
    assert figures["is_verified"]
