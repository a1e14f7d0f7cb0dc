import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganad_station.threshold import ORDER_STATISTIC, Threshold
from ganad_tf.cli import cli
from ganad_tf.config import RunConfig, make_config
from ganad_tf.data.sources import load_splits
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError
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
    for content in ("[]", '{"schema_version": 1}'):
        (tmp_path / "run.json").write_text(content)
        with pytest.raises(UserError, match="lacks 'created'"):
            Run.open(tmp_path)
    for content in ("{torn", "[" * 100_000):
        (tmp_path / "run.json").write_text(content)
        with pytest.raises(UserError, match="cannot be read"):
            Run.open(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"splits": []}, {"splits": {}}, {"splits": {"train": 1}}, {"replicas": "two"}, {"id": 3}],
)
def test_a_damaged_run_file_is_one_line(copied: Run, changes: dict) -> None:
    path = copied.folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(UserError, match=r"run\.json is damaged: train again"):
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
    described = "25 normal images of the validation split, float model"
    assert copied.threshold == Threshold(metrics["threshold"], 0.01, ORDER_STATISTIC, described)


@pytest.mark.parametrize(
    "changes",
    [None, {"threshold": "0.1"}, {"threshold": float("nan")}, {"requested_false_reject_rate": 1}],
)
@pytest.mark.parametrize("command", ["score", "report"])
def test_damaged_metrics_are_one_line(
    copied: Run, part_pictures: Path, command: str, changes: dict | None
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
    assert "metrics.json has no valid threshold: ganad-tf evaluate --run" in line


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
