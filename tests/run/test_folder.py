import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganad_station.calibration import Calibration
from ganad_station.threshold import ORDER_STATISTIC, TOLERANCE_BOUND, Threshold
from ganad_tf.cli import cli
from ganad_tf.config import RunConfig, make_config
from ganad_tf.data.sources import load_splits
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.run import Run


@pytest.fixture
def copied(small_run: Run, tmp_path: Path) -> Run:
    """A copy of `small_run` without bundles, to change."""
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("bundles"))
    return Run.open(folder)


def test_the_chosen_epoch_is_the_best_or_the_last(copied: Run) -> None:
    history = [{"epoch": n, "validation_auroc": v} for n, v in ((1, 0.9), (2, 0.9), (3, 0.8))]
    copied.history_path.write_text(json.dumps(history))
    assert copied.chosen_path == copied.best_path
    assert copied.chosen_entry()["epoch"] == 2
    config = copied.config.derive(train={"checkpoint": "last"})
    last = Run(copied.folder, config, copied.identity)
    assert last.chosen_path == copied.last_path
    assert last.chosen_entry()["epoch"] == 3


def test_run_folders_that_cannot_be_opened(tmp_path: Path, small_run: Run) -> None:
    with pytest.raises(UserError, match="is no run folder"):
        Run.open(tmp_path)
    identity = json.loads((small_run.folder / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**identity, "schema_version": 99}))
    with pytest.raises(UserError, match="run schema version 99"):
        Run.open(tmp_path)
    for content, message in (("[]", "is not a JSON"), ('{"schema_version": 1}', "lacks 'created'")):
        (tmp_path / "run.json").write_text(content)
        with pytest.raises(UserError, match=message):
            Run.open(tmp_path)
    for content in ("{torn", "[" * 100_000):
        (tmp_path / "run.json").write_text(content)
        with pytest.raises(UserError, match="cannot be read"):
            Run.open(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"splits": []}, "splits must be an object"),
        ({"splits": {}}, "lacks 'splits.train'"),
        ({"splits": {"train": 1}}, "splits.train must be an object"),
        ({"replicas": "two"}, "replicas must be an integer"),
        ({"id": 3}, "id must be a string"),
    ],
)
def test_a_damaged_run_file_is_one_line(copied: Run, changes: dict, message: str) -> None:
    path = copied.folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(UserError, match=rf"run\.json.* {message}.*: train again"):
        Run.open(copied.folder)


@pytest.mark.parametrize("content", ["{}", "[1]", '[{"epoch": 1}]', '[{"validation_auroc": "a"}]'])
def test_a_damaged_history_is_one_line(copied: Run, content: str) -> None:
    copied.history_path.write_text(content)
    with pytest.raises(UserError, match=r"history\.json is damaged: train again"):
        copied.chosen_entry()


def test_a_run_without_a_finished_epoch_has_none_to_choose(copied: Run) -> None:
    copied.history_path.unlink()
    with pytest.raises(UserError, match="has no finished epoch"):
        copied.chosen_entry()


def test_the_threshold_is_the_one_that_evaluate_recorded(copied: Run) -> None:
    metrics = json.loads(copied.metrics_path.read_text())
    described = "the good pictures of validation, float model"
    promised = pytest.approx(1 - 0.05 ** (1 / 25))
    value = metrics["threshold"]
    expected = Threshold(value, promised, TOLERANCE_BOUND, described, 0.95, 25, 0.01)
    assert copied.threshold == expected
    for name in ("promised_false_reject_rate", "confidence", "good_parts"):
        del metrics[name]
    copied.metrics_path.write_text(json.dumps(metrics))
    described = "25 normal images of the validation split, float model"
    assert copied.threshold == Threshold(value, 0.01, ORDER_STATISTIC, described)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (None, "lacks"),
        ({"threshold": "0.1"}, "threshold must be a number"),
        ({"threshold": float("nan")}, "threshold must be a number"),
        ({"requested_false_reject_rate": 2}, "requested_false_reject_rate must be a number"),
    ],
)
@pytest.mark.parametrize("command", ["score", "report", "export"])
def test_damaged_metrics_are_one_line(
    copied: Run, part_pictures: Path, command: str, changes: dict | None, message: str
) -> None:
    metrics = json.loads(copied.metrics_path.read_text())
    content = {} if changes is None else {**metrics, **changes}
    copied.metrics_path.write_text(json.dumps(content))
    arguments = ["--run", str(copied.folder)]
    if command == "score":
        arguments += [str(part_pictures), "--out", str(copied.folder / "scores.csv")]
    result = CliRunner().invoke(cli, [command, *arguments])
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert "metrics.json" in line
    assert message in line
    assert "ganad-tf evaluate --run" in line


def test_a_calibration_replaces_the_threshold_of_the_evaluation(
    copied: Run, part_pictures: Path
) -> None:
    calibration = Calibration.make(copied.generator_path, [0.1] * 299 + [0.25], 0.01)
    calibration.write(copied.folder)
    expected = calibration.to_threshold()
    assert copied.threshold == expected
    assert copied.evaluated_threshold.value != expected.value
    score = ["score", str(part_pictures), "--out", str(copied.folder / "scores.csv")]
    score.append("--any-picture")
    result = CliRunner().invoke(cli, [*score, "--run", str(copied.folder)])
    assert result.exit_code == 0, result.output
    promise = "promises at most 1 % false rejects with 95 % confidence (300 good parts)"
    assert f"set on pictures of good parts: it {promise}" in result.output
    result = CliRunner().invoke(cli, ["report", "--run", str(copied.folder)])
    assert result.exit_code == 0, result.output
    report = (copied.folder / "report.html").read_text()
    assert f"Scores above {expected.value:.5f} are NG" in report
    assert promise in report


def test_evaluate_says_whether_a_calibration_is_in_force(
    copied: Run, log: pytest.LogCaptureFixture
) -> None:
    calibration = Calibration.make(copied.generator_path, [0.1] * 299 + [0.25], 0.01)
    calibration.write(copied.folder)
    evaluate(copied)
    assert "calibration.json sets another threshold, which is in force" in log.text
    assert copied.threshold == calibration.to_threshold()
    log.clear()
    with copied.generator_path.open("ab") as file:
        file.write(b"trained again")
    evaluate(copied)
    assert "calibration.json was made for another generator.keras" in log.text
    assert "in force" not in log.text


def test_a_calibration_of_another_generator_is_refused(copied: Run) -> None:
    scores = [0.1] * 300
    Calibration.make(copied.last_path, scores, 0.01).write(copied.folder)
    with pytest.raises(UserError, match=r"is of last\.keras, not of generator\.keras: calibrate"):
        _ = copied.threshold
    Calibration.make(copied.generator_path, scores, 0.01).write(copied.folder)
    copied.generator_path.write_bytes(b"trained again")
    with pytest.raises(UserError, match=r"was made for another generator\.keras"):
        _ = copied.threshold


def test_a_run_that_is_not_evaluated_has_no_threshold(copied: Run) -> None:
    copied.metrics_path.unlink()
    with pytest.raises(UserError, match="is not evaluated: ganad-tf evaluate --run"):
        _ = copied.threshold
    copied.generator_path.unlink()
    with pytest.raises(UserError, match="is not trained to its end: ganad-tf train --resume"):
        _ = copied.threshold


def test_folders_may_be_strings(tmp_path: Path, small_config: RunConfig) -> None:
    splits = load_splits(small_config.data, small_config.seed)
    run = Run.create(str(tmp_path / "run"), small_config, splits)
    assert run.folder == tmp_path / "run"
    assert run.splits is splits
    opened = Run.open(str(tmp_path / "run"))
    assert opened == run
    assert Run.newest(str(tmp_path), lambda _: True, "any") == run


def test_changed_data_are_refused(tmp_path: Path, part_folder: Path) -> None:
    data = {"dataset": "folder", "data_dir": str(part_folder), "size": 32}
    config = make_config({"data": data})
    run = Run.create(tmp_path / "run", config, load_splits(config.data, config.seed))
    assert Run.open(run.folder).splits.test.fingerprint() == run.splits.test.fingerprint()
    (part_folder / "normal" / "part 0.png").unlink()
    with pytest.raises(UserError, match="the data files have changed"):
        _ = Run.open(run.folder).splits


def test_each_command_decodes_and_hashes_every_picture_once(
    tmp_path: Path, part_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Counter[str] = Counter()
    read_bytes, fingerprint = Path.read_bytes, Split.fingerprint

    def counting_read(path: Path) -> bytes:
        if path.is_relative_to(part_folder):
            opened[str(path.relative_to(part_folder))] += 1
        return read_bytes(path)

    def counting_fingerprint(split: Split) -> str:
        opened["fingerprint"] += 1
        return fingerprint(split)

    monkeypatch.setattr(Path, "read_bytes", counting_read)
    monkeypatch.setattr(Split, "fingerprint", counting_fingerprint)
    run = str(tmp_path / "run")
    settings = ["--size", "32", "--channels", "1", "--epochs", "1", "--batch-size", "4"]
    data = ["--dataset", "folder", "--data-dir", str(part_folder)]
    for command in (
        ["train", *data, *settings, "--runs", str(tmp_path), "--name", "run"],
        ["evaluate", "--run", run],
        ["export", "--run", run, "--max-drop", "1"],
        ["verify", f"{run}/bundles/cpu/model.tflite", "--max-drop", "1"],
        ["report", "--run", run],
    ):
        opened.clear()
        result = CliRunner().invoke(cli, command)
        assert result.exit_code == 0, result.output
        assert opened.pop("fingerprint") == 3
        assert len(opened) == 34
        assert set(opened.values()) == {1}, command
