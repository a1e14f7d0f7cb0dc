"""The tables of the paper: their jobs, what they write, and what is done twice (nothing)."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ganad_tf.config import make_config, read_config
from ganad_tf.errors import UserError
from ganad_tf.run import Run
from tools.experiments import paper
from tools.experiments.experiment import read_result, train_evaluate_verify
from tools.experiments.references import averages_on, paper_average
from tools.experiments.table import Figure, summarize, to_markdown

TIMEOUT = 600


def made_up(float_auroc: float, int8_auroc: float, seed: int = 0) -> dict:
    return {
        "config": {"seed": seed},
        "float_auroc": {"value": float_auroc},
        "int8_auroc": int8_auroc,
        "difference": {"value": int8_auroc - float_auroc},
    }


def test_the_average_is_over_classes_however_many_seeds_each_has() -> None:
    results = {
        "0": [made_up(0.9, 0.89, 0), made_up(0.8, 0.81, 1), made_up(0.85, 0.82, 2)],
        "1": [made_up(0.6, 0.58)],
        "2": [],
    }
    summary = summarize(results)
    floats, int8s = np.array([0.9, 0.8, 0.85]), np.array([0.89, 0.81, 0.82])
    row = summary.rows["0"]
    assert row.float_auroc.mean == pytest.approx(floats.mean())
    assert row.float_auroc.deviation == pytest.approx(floats.std(ddof=1))
    assert row.difference.deviation == pytest.approx((int8s - floats).std(ddof=1))
    assert row.seeds == (0, 1, 2)
    assert summary.float_auroc == pytest.approx((floats.mean() + 0.6) / 2)
    assert summary.int8_auroc == pytest.approx((int8s.mean() + 0.58) / 2)
    assert (summary.worst_label, summary.worst_difference) == ("1", pytest.approx(-0.02))
    assert summary.rows["2"] is None


def test_the_table_has_a_gap_where_a_class_is_missing() -> None:
    summary = summarize({"cat": [made_up(0.9, 0.89)], "dog": []})
    lines = to_markdown(summary, "class", averages_on("cifar10")).splitlines()
    assert lines[0] == "| class | float AUROC | int8 AUROC | difference | seeds |"
    assert lines[2] == "| cat | 0.9000 | 0.8900 | -0.01000 | 0 |"
    assert lines[3] == "| dog | - | - | - | - |"
    assert lines[4].startswith("| **average of 1, 1 missing** | **0.9000** | **0.8900** |")
    assert lines[5].startswith("| the paper: ")
    assert "(recalled, unconfirmed) | 0.906 |" in lines[5]
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert lines[-1] == "Largest drop from float to int8: -0.01000 (cat)."


def test_a_single_seed_has_no_deviation() -> None:
    assert Figure.over([0.5]).text() == "0.5000"
    assert Figure.over([0.4, 0.6]).text() == "0.5000 ± 0.1414"


def test_the_digits_have_no_reference() -> None:
    assert averages_on("digits") == {}
    assert paper_average("digits") is None
    assert paper_average("fashion-mnist") == 0.986


@pytest.fixture
def finished(small_run: Run, bundles: dict[str, Path], tmp_path: Path) -> Run:
    """A copy of a run that is trained, evaluated, exported and verified."""
    folder = tmp_path / "runs" / "digits-0-0"
    shutil.copytree(small_run.folder, folder)
    return Run.open(folder)


def test_a_result_holds_the_figures_and_all_that_repeats_them(
    finished: Run, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "class-0-seed-0.json"
    result = train_evaluate_verify(finished.config, finished.folder, path)
    assert json.loads(path.read_text()) == result
    metrics = json.loads(finished.metrics_path.read_text())
    evidence = finished.folder / "bundles" / "cpu" / "verification" / "model.tflite.json"
    verification = json.loads(evidence.read_text())
    assert result["float_auroc"] == metrics["auroc"]
    assert result["float_auroc"]["value"] == verification["float_auroc"]
    assert result["int8_auroc"] == verification["exported_auroc"]
    assert result["difference"] == verification["difference"]
    model = finished.folder / "bundles" / "cpu" / "model.tflite"
    assert result["int8_bytes"] == model.stat().st_size
    assert make_config(read_config(path.with_suffix(".toml"))) == finished.config
    assert str(tmp_path) not in path.read_text()
    history = finished.read_history()
    assert result["epochs"] == len(history)
    assert history[result["best_epoch"] - 1]["validation_auroc"] == result["validation_auroc"]


def test_a_result_is_taken_as_it_is_while_its_settings_are_the_same(
    finished: Run, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "result.json"
    first = train_evaluate_verify(finished.config, finished.folder, path)
    shutil.rmtree(finished.folder)
    assert train_evaluate_verify(finished.config, finished.folder, path) == first
    other = make_config({"train": {"epochs": 5}})
    assert read_result(path, other) is None
    elsewhere = make_config(first["config"], {"data": {"data_dir": "elsewhere"}})
    assert read_result(path, elsewhere) == first


def test_a_run_folder_with_other_settings_is_refused(finished: Run, tmp_path: Path) -> None:
    other = make_config({"train": {"epochs": 5}})
    with pytest.raises(UserError, match="other settings"):
        train_evaluate_verify(other, finished.folder, tmp_path / "result.json")
    assert not (tmp_path / "result.json").exists()


def invoke(folder: Path, *arguments: object) -> Result:
    places = ["--runs", str(folder / "runs"), "--out", str(folder / "out")]
    flags = ["--dataset", "digits", *places, *map(str, arguments)]
    return CliRunner().invoke(paper.main, flags, catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--classes", "0,12"), "no class 12"),
        (("--classes", "cat"), "no list of classes"),
        (("--epochs", "0"), "epochs must be at least 1"),
    ],
)
def test_bad_arguments_end_in_one_line(tmp_path: Path, arguments: tuple, words: str) -> None:
    result = invoke(tmp_path, *arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_failed_job_is_named_and_the_table_written_all_the_same(
    finished: Run, tmp_path: Path
) -> None:
    epochs = finished.config.train.epochs
    config = make_config({"data": {"dataset": "digits"}, "train": {"epochs": epochs}})
    kept = tmp_path / "out" / "digits" / "class-0-seed-0.json"
    train_evaluate_verify(finished.config, finished.folder, kept)
    result = json.loads(kept.read_text())
    result["config"]["train"] = dataclasses.asdict(config.train)
    del result["config"]["train"]["transplant"]  # as if the result were older than the setting
    kept.write_text(json.dumps(result))
    assert read_result(kept, config) is not None
    (tmp_path / "runs" / "digits-3-0").mkdir()
    (tmp_path / "runs" / "digits-3-0" / "notes.txt").write_text("mine")
    outcome = invoke(tmp_path, "--classes", "0,3", "--epochs", epochs)
    assert outcome.exit_code == 1
    assert "2 jobs, 1 of them done already" in outcome.output
    assert re.search(r"\[1/1\] digits-3-0 failed: .*is not empty", outcome.output)
    assert "error: failed: digits-3-0" in outcome.output
    table = (tmp_path / "out" / "digits" / "table.md").read_text()
    assert re.search(r"^\| 0 \| \d\.\d{4} \|", table, re.MULTILINE)
    assert "| 3 | - | - |" in table


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    places = ["--runs", str(folder / "runs"), "--out", str(folder / "out")]
    command = [
        sys.executable,
        "-m",
        "tools.experiments.paper",
        "--dataset",
        "digits",
        *places,
        *arguments,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> str:
    output, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, errors
    return output


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def wait_until(condition) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_a_table_that_was_killed_goes_on_and_nothing_is_done_twice(tmp_path: Path) -> None:
    arguments = ("--classes", "0,3", "--epochs", "2")
    histories = [tmp_path / "runs" / f"digits-{c}-0" / "history.json" for c in (0, 3)]
    process = start(tmp_path, *arguments)
    wait_until(lambda: any(path.is_file() for path in histories))
    process.kill()
    process.communicate()
    output = finish(start(tmp_path, *arguments))
    out = tmp_path / "out" / "digits"
    assert {path.name for path in out.iterdir()} == {
        "auroc.png",
        "results.json",
        "table.md",
        *(f"class-{c}-seed-0.{suffix}" for c in (0, 3) for suffix in ("json", "toml")),
    }
    assert (out / "table.md").read_text() in output
    assert "[2/2] digits-" in output
    trained_first = re.compile(r"^ +1 .* +\d+\.\d ", re.MULTILINE)
    counts = []
    for normal_class, path in zip((0, 3), histories, strict=True):
        assert [entry["epoch"] for entry in json.loads(path.read_text())] == [1, 2]
        log = (tmp_path / "runs" / f"digits-{normal_class}-0.log").read_text()
        counts.append(len(trained_first.findall(log)))
        result = json.loads((out / f"class-{normal_class}-seed-0.json").read_text())
        assert result["config"]["data"]["normal_class"] == normal_class
        assert result["machine"]["threads"] == 1
        assert result["training_seconds"] > 0
        assert str(tmp_path) not in json.dumps(result)
    assert 1 in counts
    before = stamps(tmp_path / "runs")
    again = finish(start(tmp_path, *arguments))
    assert "2 jobs, 2 of them done already" in again
    assert stamps(tmp_path / "runs") == before


@pytest.mark.slow
def test_ray_fills_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    arguments = ("--classes", "0", "--epochs", "1")
    tables = []
    for engine in ("ray", "local"):
        finish(start(tmp_path / engine, *arguments, "--engine", engine))
        tables.append((tmp_path / engine / "out" / "digits" / "table.md").read_text())
    assert tables[0] == tables[1]
