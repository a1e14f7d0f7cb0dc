"""Filling a table: what is done twice (nothing), kills, failures, engines, and the data file."""

import json
import re
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ganad_tf.config import make_config
from ganad_tf.errors import UserError
from tests.support.tables import (
    half_trained_table,
    invoke,
    list_results,
    seed_as_auroc,
    table_of,
    write_results,
)
from tools.experiments.results import FILE, Results
from tools.experiments.runner import fill, make_row
from tools.experiments.table import Cell, Table

TIMEOUT = 600
ROOT = Path(__file__).parents[2]


def one_half(_cell: Cell) -> dict[str, Any]:
    return {"float_auroc": {"value": 0.5}}


def stamps(folder: Path) -> dict[Path, int]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "table.md")
    return {path: path.stat().st_mtime_ns for path in files}


def wait_until(condition) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def start(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.support.tables", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> str:
    output, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, errors
    return output


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A table that was killed after the first of two epochs of a training, and started again."""
    folder = tmp_path_factory.mktemp("killed")
    process = start(folder)
    wait_until(lambda: any(folder.glob("runs/*/history.json")))
    process.kill()
    process.communicate()
    return folder, finish(start(folder))


@pytest.mark.slow
def test_a_table_that_was_killed_goes_on_and_nothing_is_done_twice(
    killed: tuple[Path, str],
) -> None:
    folder, output = killed
    table, cells = folder / "table", half_trained_table().cells
    assert {path.name for path in table.iterdir()} == {FILE, "table.md"}
    assert (table / "table.md").read_text() in output
    assert "2 jobs, 1 of them done already" in output
    assert "[1/1] class-0-seed-0: float" in output
    run = folder / "runs" / cells[0].run_name
    history = json.loads((run / "history.json").read_text())
    assert [entry["epoch"] for entry in history] == [1, 2]
    trained_first = re.compile(r"^ +1 .* +\d+\.\d ", re.MULTILINE)
    assert len(trained_first.findall(run.with_name(f"{run.name}.log").read_text())) == 1
    results = Results(table).of(cells)
    assert list(results) == ["class-0-seed-0", "class-3-seed-0"]
    for cell in cells:
        assert results[cell.name]["config"]["data"]["normal_class"] == cell.config.data.normal_class
    trained = results["class-0-seed-0"]
    assert trained["machine"]["threads"] == 1
    assert trained["training_seconds"] > 0
    assert "int8_auroc" not in trained
    assert "export" not in trained["command"]
    assert str(folder) not in json.dumps(results)
    before = stamps(folder)
    again = finish(start(folder))
    assert "2 jobs, 2 of them done already" in again
    assert stamps(folder) == before


@pytest.mark.slow
def test_ray_fills_the_same_table(
    killed: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    # Other tests run beside it, and Ray gives its workers a low priority.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    table = half_trained_table()
    places = tmp_path / "table", tmp_path / "runs"
    assert not fill(table, table.cells, *places, engine="ray", workers=2)
    pages = [(folder / "table.md").read_text() for folder in (places[0], killed[0] / "table")]
    assert pages[0] == pages[1]


def test_a_failed_job_is_named_and_the_table_written_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    table = table_of((0, 3, 5), seed_as_auroc, seed=2)
    write_results(Table(table.command, table.cells[:1], list_results), tmp_path, one_half)
    (tmp_path / "runs" / table.cells[1].run_name).mkdir(parents=True)
    failures = fill(table, table.cells, tmp_path, tmp_path / "runs")
    assert failures == ["class-3-seed-2"]
    output = capsys.readouterr().out
    assert "3 jobs, 1 of them done already" in output
    assert re.search(r"^\[./2\] class-3-seed-2 failed: .*FileExistsError", output, re.MULTILINE)
    assert re.search(r"^\[./2\] class-5-seed-2: float 0\.2500 ", output, re.MULTILINE)
    page = (tmp_path / "table.md").read_text()
    assert page.startswith(
        "class-0-seed-2: 0.5\nclass-5-seed-2: 0.25\n\nMade by `python -m tables`"
    )
    assert page in output


def test_a_result_counts_while_its_settings_are_the_same(tmp_path: Path) -> None:
    table = table_of((0, 3))
    write_results(table, tmp_path, one_half)
    results = Results(tmp_path)
    assert len(results.of(table.cells)) == 2
    assert not results.of(table_of((0, 3), train={"epochs": 5}).cells)
    assert len(results.of(table_of((0, 3), data={"data_dir": "elsewhere"}).cells)) == 2
    content = json.loads(results.path.read_text())
    del content["config"]["train"]["brightness"]  # as if the result were older than the setting
    results.path.write_text(json.dumps(content))
    assert len(results.of(table.cells)) == 2
    assert not results.of(table_of((0, 3), train={"brightness": 0.5}).cells)
    content["config"]["train"]["no_such_setting"] = 1
    results.path.write_text(json.dumps(content))
    assert not results.of(table.cells)


def test_a_result_with_other_settings_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    old, new = table_of((0, 3)), table_of((0,), train={"epochs": 5})
    write_results(old, tmp_path, one_half)
    write_results(new, tmp_path, lambda _: {"float_auroc": {"value": 0.6}})
    found = Results(tmp_path).read()
    assert {name: row["config"]["train"]["epochs"] for name, row in found.items()} == {
        "class-0-seed-0": 5,
        "class-3-seed-0": 2,
    }
    assert not Results(tmp_path).of(old.cells[:1])
    assert Results(tmp_path).of(old.cells[1:])


def test_the_data_file_has_shared_settings_once(tmp_path: Path) -> None:
    """Where settings differ, and where a result is older than a setting, each row has its own."""
    table = table_of((0, 3))
    write_results(table, tmp_path, one_half)
    content = json.loads((tmp_path / FILE).read_text())
    assert [row["config"] for row in content["rows"]] == [
        {"data": {"normal_class": 0}},
        {"data": {"normal_class": 3}},
    ]
    whole = {row["name"]: row for row in Results(tmp_path).read().values()}
    for cell in table.cells:
        row = make_row(cell, {"float_auroc": {"value": 0.5}}, tmp_path)
        assert whole[cell.name] == row
        assert make_config(row["config"]) == cell.config.portable()
    older = dict(whole["class-0-seed-0"])
    older["config"] = {**older["config"], "train": {**older["config"]["train"]}}
    del older["config"]["train"]["zoom"]
    Results(tmp_path).update(table, {older["name"]: older})
    assert Results(tmp_path).read() == {**whole, older["name"]: older}


def test_rows_are_in_the_order_of_the_cells_whichever_came_first(tmp_path: Path) -> None:
    table = table_of((5, 0, 3))
    for number in (1, 0, 2):
        cells = (table.cells[number],)
        part = Table(table.command, cells, list_results)
        write_results(part, tmp_path, one_half)
    Results(tmp_path).update(table, {})
    assert list(Results(tmp_path).read()) == [cell.name for cell in table.cells]


def test_several_writers_lose_nothing(tmp_path: Path) -> None:
    table = table_of(tuple(range(8)))

    def write(cell: Cell) -> None:
        row = make_row(cell, {"float_auroc": {"value": 0.5}}, tmp_path / FILE)
        Results(tmp_path).update(table, {cell.name: row})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, table.cells))
    assert len(Results(tmp_path).of(table.cells)) == 8


def test_the_configuration_of_a_result_is_written_for_train(tmp_path: Path) -> None:
    table = table_of((0, 3), data={"data_dir": str(tmp_path)})
    write_results(table, tmp_path, one_half)
    for cell in table.cells:
        output = invoke("config", tmp_path / FILE, cell.name).output
        assert make_config(tomllib.loads(output)) == cell.config.portable()
        assert str(tmp_path) not in output
    missing = invoke("config", tmp_path / FILE, "class-9-seed-0")
    assert missing.exit_code == 2
    assert "has no row 'class-9-seed-0': choose one of class-0-seed-0, class-3" in missing.output


@pytest.mark.parametrize("content", ["{", "[]", '{"rows": {"0": {"label": "0"}}}'])
def test_a_damaged_data_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    table = table_of((0,), seed_as_auroc)
    with pytest.raises(UserError, match=r"results\.json .*: restore it, or remove it"):
        fill(table, table.cells, tmp_path, tmp_path / "runs")
    assert (tmp_path / FILE).read_text() == content


def test_recorded_results_are_whole() -> None:
    """Each data file of docs/results names its rows once, and each configuration can be read."""
    files = sorted((ROOT / "docs" / "results").rglob(FILE))
    assert len(files) == 16
    for path in files:
        results = Results(path.parent)
        rows = json.loads(path.read_text())["rows"]
        assert len(results.read()) == len(rows)
        for row in rows:
            config = make_config(tomllib.loads(results.toml(row["name"])))
            assert config.seed == row["seed"]
            assert 0 < row["float_auroc"]["value"] <= 1
            if "command" in row:
                name = path.relative_to(ROOT)
                start = f"python -m tools.experiments config {name} {row['name']} > "
                assert row["command"].startswith(start)
