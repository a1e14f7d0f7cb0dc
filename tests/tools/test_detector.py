"""One detector, trained, evaluated and verified: what its result holds, and what repeats it."""

import json
from pathlib import Path
from typing import Any

import pytest

from ganad_tf.config import make_config, read_config
from ganad_tf.errors import UserError
from ganad_tf.run import Run
from tests.support.tables import TINY, invoke, list_results
from tools.experiments.detector import train_evaluate_verify
from tools.experiments.results import FILE, Results
from tools.experiments.runner import fill, make_row
from tools.experiments.table import Cell, Table

CONFIG = make_config(TINY)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, Any]]:
    """A run that is trained, evaluated, exported and verified, and its result; read it only."""
    folder = tmp_path_factory.mktemp("runs") / Cell("all", CONFIG).run_name
    result = train_evaluate_verify(CONFIG, folder)
    return Run.open(folder), result


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_result_holds_the_figures(finished: tuple[Run, dict[str, Any]]) -> None:
    run, result = finished
    metrics = json.loads(run.metrics_path.read_text())
    evidence = run.folder / "bundles" / "cpu" / "verification" / "model.tflite.json"
    verification = json.loads(evidence.read_text())
    assert result["float_auroc"] == metrics["auroc"]
    assert result["float_auroc"]["value"] == verification["float_auroc"]
    assert result["int8_auroc"] == verification["exported_auroc"]
    assert result["difference"] == verification["difference"]
    model = run.folder / "bundles" / "cpu" / "model.tflite"
    assert result["int8_bytes"] == model.stat().st_size
    history = run.read_history()
    assert result["epochs"] == len(history) == 2
    assert history[result["best_epoch"] - 1]["validation_auroc"] == result["validation_auroc"]
    assert result["training_seconds"] > 0


def test_nothing_is_done_twice(finished: tuple[Run, dict[str, Any]]) -> None:
    run, result = finished
    before = stamps(run.folder)
    assert train_evaluate_verify(run.config, run.folder) == result
    assert stamps(run.folder) == before


def test_a_result_that_is_there_needs_no_run_folder(
    finished: tuple[Run, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    _, result = finished
    cell = Cell("all", CONFIG, train_evaluate_verify)
    table = Table("python -m tables", (cell,), list_results)
    row = make_row(cell, result, tmp_path / FILE)
    Results(tmp_path).update(table, {cell.name: row})
    assert fill(table, table.cells, tmp_path, tmp_path / "runs") == []
    assert "1 jobs, 1 of them done already" in capsys.readouterr().out
    assert Results(tmp_path).read() == {cell.name: row}


def test_the_command_of_a_result_repeats_it(
    finished: tuple[Run, dict[str, Any]], tmp_path: Path
) -> None:
    run, result = finished
    cell = Cell("all", run.config, train_evaluate_verify)
    path = tmp_path / FILE
    row = make_row(cell, result, path)
    Results(tmp_path).update(Table("", (cell,), list_results), {cell.name: row})
    written, train, export = row["command"].split(" && ")
    name = run.folder.name
    assert written == f"python -m tools.experiments config {FILE} all-seed-0 > {name}.toml"
    assert export == f"ganad-tf export --run runs/{name}"
    config = tmp_path / f"{name}.toml"
    config.write_text(invoke("config", path, "all-seed-0").output)
    program, *words = train.split()
    assert program == "ganad-tf"
    assert words == ["train", "--config", config.name, "--name", name]
    assert make_config(read_config(config)) == run.config


def test_a_run_folder_with_other_settings_is_refused(
    finished: tuple[Run, dict[str, Any]],
) -> None:
    run, _ = finished
    other = make_config({"train": {"epochs": 5}})
    with pytest.raises(UserError, match="other settings"):
        train_evaluate_verify(other, run.folder)
