"""Training on several devices and machines against training on one."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from ganad_tf.cli import cli
from ganad_tf.config import RunConfig, TrainConfig, make_config, to_toml
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.errors import UserError
from ganad_tf.run import Run
from ganad_tf.training.distribution import make_strategy
from ganad_tf.training.train import resume, train

TIMEOUT = 500
# Adam divides by the size of a gradient, and so makes its rounding errors large at first.
TOLERANCE = 2e-4
ON_TWO_CPU_DEVICES = """
import sys
from pathlib import Path

from ganad_tf.system.environment import prepare_environment

prepare_environment()
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
"""
TRAIN_MIRRORED = """
from ganad_tf.training.distribution import make_strategy
from ganad_tf.config import make_config, read_config
from ganad_tf.training.train import train

config, folder = map(Path, sys.argv[1:])
train(make_config(read_config(config)), folder, strategy=make_strategy("mirrored"))
"""
COMPARE_GRADIENTS = """
import keras
import numpy as np

from ganad_tf.training.distribution import make_strategy
from ganad_tf.models.detector import AnomalyDetector

images = np.random.default_rng(0).random((2, 8, 16, 16, 1), np.float32)


def make():
    keras.utils.set_random_seed(0)
    detector = AnomalyDetector(16, 1, 2, {"patch_size": 4})
    detector.compile(keras.optimizers.SGD(1.0))
    return detector


plain = make()
before = [np.array(weight) for weight in plain.weights]
with make_strategy("mirrored").scope():
    mirrored = make()
dataset = tf.data.Dataset.from_tensors(tuple(images))
losses = [detector.fit(dataset, verbose=0).history for detector in (plain, mirrored)]
np.testing.assert_equal(losses[0].keys(), losses[1].keys())
for name in losses[0]:
    np.testing.assert_allclose(*(each[name] for each in losses), rtol=1e-5)
for old, expected, weight in zip(before, plain.weights, mirrored.weights, strict=True):
    moved = np.abs(np.array(expected) - old).max()
    np.testing.assert_allclose(
        weight.numpy(), expected, rtol=0, atol=1e-4 * moved + 1e-6, err_msg=weight.path
    )
"""


def free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


def tf_config(addresses: list[str], index: int) -> str:
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


def start_workers(folder: Path, *arguments: object, **only_second: str) -> list[subprocess.Popen]:
    """Start `ganad-tf train --strategy multiworker` twice, in the folder of each worker."""
    addresses, processes = free_addresses(2), []
    for index in range(2):
        cwd = folder / f"worker-{index}"
        cwd.mkdir(parents=True, exist_ok=True)
        own = [f"--{name}={value}" for name, value in only_second.items()] if index else []
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "ganad_tf", "train", "--strategy", "multiworker"]
                + [str(argument) for argument in (*arguments, *own)],
                cwd=cwd,
                env={**os.environ, "TF_CONFIG": tf_config(addresses, index)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return processes


def finish(processes: list[subprocess.Popen]) -> list[tuple[int, str]]:
    try:
        outputs = [process.communicate(timeout=TIMEOUT)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, out) for process, out in zip(processes, outputs, strict=True)]


def small(batch_size: int, epochs: int = 2) -> RunConfig:
    train_settings = {"passes": 1, "batch_size": batch_size, "flip": True, "shift": 2}
    return make_config({"train": {**train_settings, "epochs": epochs}})


def write_config(folder: Path, config: RunConfig) -> Path:
    path = folder / "config.toml"
    path.write_text(to_toml(config))
    return path


def assert_same_history(found: Run, expected: Run, tolerance: float = TOLERANCE) -> None:
    histories = found.read_history(), expected.read_history()
    assert len(histories[0]) == len(histories[1])
    for mine, other in zip(*histories, strict=True):
        assert mine.keys() == other.keys()
        # One pair of images that changes places moves the AUROC by more than rounding does.
        assert mine.pop("validation_auroc") == pytest.approx(
            other.pop("validation_auroc"), abs=0.01
        )
        for name, value in mine.items():
            assert value == pytest.approx(other[name], rel=tolerance), name


@pytest.fixture(scope="module")
def one_device(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(small(batch_size=16), tmp_path_factory.mktemp("runs") / "one")


def numbered(count: int) -> np.ndarray:
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, 16, 16, 1), np.uint8)


@pytest.mark.parametrize("augmentation", [{}, {"flip": True}, {"flip": True, "shift": 2}])
def test_the_parts_of_replicas_are_a_batch_as_many_times_as_large(augmentation: dict) -> None:
    images = numbered(20), numbered(7)
    whole = PairedBatches(*images, TrainConfig(batch_size=6, passes=2, **augmentation), 3)
    divided = PairedBatches(*images, TrainConfig(batch_size=2, passes=2, **augmentation), 3, 3)
    assert whole.steps == divided.steps
    parts = [list(divided.dataset(1, 3, range(first, last))) for first, last in ((0, 1), (1, 3))]
    together = list(divided.dataset(1, 3))
    for step, pair in enumerate(whole.dataset(1, 3)):
        own = [parts[0][step], *parts[1][2 * step : 2 * step + 2]]
        for side in range(2):
            np.testing.assert_array_equal(tf.concat([part[side] for part in own], 0), pair[side])
            np.testing.assert_array_equal(
                tf.concat([part[side] for part in together[3 * step : 3 * step + 3]], 0), pair[side]
            )


def test_small_sets_are_divided_and_too_small_ones_refused() -> None:
    config = TrainConfig(batch_size=16)
    assert PairedBatches(numbered(7), numbered(7), config, 0, 3).batch_size == 2
    with pytest.raises(UserError, match="2 normal images are too few for 3 replicas"):
        PairedBatches(numbered(2), numbered(7), config, 0, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "--strategy multiworker needs TF_CONFIG"),
        ("{torn", "TF_CONFIG makes no sense"),
        ("[]", "TF_CONFIG makes no sense"),
        ('{"cluster": {"worker": ["a:1"]}}', "TF_CONFIG makes no sense .*'task'"),
        (tf_config(["a:1", "b:2"], 2), "TF_CONFIG makes no sense"),
        (tf_config(["a:1", "b"], 0), "TF_CONFIG makes no sense"),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
            "TF_CONFIG makes no sense",
        ),
    ],
)
def test_a_wrong_cluster_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, message: str
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match=message):
        make_strategy("multiworker")
    options = ["train", "--strategy", "multiworker", "--runs", str(tmp_path)]
    result = CliRunner().invoke(cli, options)
    assert result.exit_code == 2
    assert len([line for line in result.output.splitlines() if line.startswith("error: ")]) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(len(tf.config.list_physical_devices("GPU")) > 1, reason="several GPUs")
@pytest.mark.parametrize("name", ["mirrored", "multiworker"])
def test_a_strategy_with_one_device_is_plain_training(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", tf_config(["localhost:1"], 0))
    messages: list[str] = []
    monkeypatch.setattr(
        "ganad_tf.training.distribution.logger.info", lambda *args: messages.append(args[0])
    )
    assert make_strategy(name) is None
    assert messages == ["--strategy %s finds one device only: training on it alone"]
    assert make_strategy(None) is None


def test_another_number_of_replicas_does_not_resume(tmp_path: Path, small_run: Run) -> None:
    shutil.copytree(small_run.folder, tmp_path / "run")
    identity = json.loads((tmp_path / "run" / "run.json").read_text())
    assert identity["replicas"] == 1
    (tmp_path / "run" / "run.json").write_text(json.dumps({**identity, "replicas": 2}))
    with pytest.raises(UserError, match="is trained by 2 replicas, here are 1"):
        resume(Run.open(tmp_path / "run"))


@pytest.mark.slow
def test_two_devices_take_the_step_of_one() -> None:
    script = ON_TWO_CPU_DEVICES + COMPARE_GRADIENTS
    subprocess.run([sys.executable, "-c", script], check=True, timeout=TIMEOUT)


@pytest.mark.slow
def test_two_devices_train_as_one_with_the_doubled_batch(tmp_path: Path, one_device: Run) -> None:
    config = write_config(tmp_path, small(batch_size=8))
    subprocess.run(
        [sys.executable, "-c", ON_TWO_CPU_DEVICES + TRAIN_MIRRORED, config, tmp_path / "run"],
        check=True,
        timeout=TIMEOUT,
    )
    run = Run.open(tmp_path / "run")
    assert run.identity.replicas == 2
    assert run.is_trained
    assert_same_history(run, one_device)


@pytest.mark.slow
def test_two_workers_train_as_one_with_the_doubled_batch(tmp_path: Path, one_device: Run) -> None:
    config = write_config(tmp_path, small(batch_size=8))
    (chief_code, chief), (code, other) = finish(
        start_workers(tmp_path, "--config", config, "--name", "run")
    )
    assert chief_code == 0, chief
    assert code == 0, other
    run = Run.open(tmp_path / "worker-0" / "runs" / "run")
    assert run.is_evaluated
    assert_same_history(run, one_device)
    assert "training along with the chief" in other
    assert not list((tmp_path / "worker-1").iterdir())


@pytest.mark.slow
def test_workers_that_differ_do_not_begin(tmp_path: Path) -> None:
    config = write_config(tmp_path, small(batch_size=8))
    for code, output in finish(start_workers(tmp_path, "--config", config, seed="1")):
        assert code == 2, output
        assert output.splitlines()[-1].startswith("error: the workers do not start from the same")
    assert not list((tmp_path / "worker-0").iterdir())


@pytest.mark.slow
def test_a_lost_worker_is_one_clear_line_and_both_resume_to_the_same_end(tmp_path: Path) -> None:
    config = small(batch_size=8, epochs=6)
    undisturbed = train(small(batch_size=16, epochs=6), tmp_path / "undisturbed")
    arguments = ("--config", write_config(tmp_path, config), "--runs", tmp_path, "--name", "run")
    chief, other = start_workers(tmp_path, *arguments)
    history = tmp_path / "run" / "history.json"
    while not history.exists() and chief.poll() is None:
        time.sleep(0.1)
    other.kill()
    ((code, output), _) = finish([chief, other])
    assert code == 2, output
    assert "training with the other workers broke off" in output.splitlines()[-1]
    stopped_at = len(json.loads(history.read_text()))
    assert stopped_at < 6
    for code, output in finish(start_workers(tmp_path, "--resume", tmp_path / "run")):
        assert code == 0, output
    # After so many steps rounding has grown.
    assert_same_history(Run.open(tmp_path / "run"), undisturbed, tolerance=0.05)
