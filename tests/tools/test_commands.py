"""Commands on the digits: real results, what repeats them, and what is done twice (nothing)."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from ganad_tf.config import DATASET_DEFAULTS, make_config, read_config
from ganad_tf.errors import UserError
from ganad_tf.run import Run
from tests.support import tables
from tools.experiments import studies
from tools.experiments.detector import train_evaluate_verify
from tools.experiments.latency import measure_latency
from tools.experiments.results import FILE, Results
from tools.experiments.runner import fill
from tools.experiments.studies import STUDIES
from tools.experiments.table import Filled, Table

pytestmark = pytest.mark.slow
SETTINGS = {"data": {"dataset": "digits"}, "train": {"epochs": 1}}


@dataclass(frozen=True)
class Made:
    """Tables that were made one after the other, with the same run folders."""

    folder: Path
    widths: Result
    paper: Result

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def out(self, name: str) -> Path:
        return self.folder / "out" / name

    def invoke(self, name: str) -> Result:
        places = ("--runs", self.runs, "--out", self.folder / "out")
        arguments = ("--dataset", "digits", "--classes", 0, "--epochs", 1, "--workers", 2)
        return tables.invoke(name, *arguments, *places)

    def results(self, name: str) -> dict[str, dict[str, Any]]:
        return Results(self.out(name)).read()


def table_of(name: str) -> Table:
    (study,) = (study for study in STUDIES if study.name == name)
    return study.table(SETTINGS, [0], 1, "python -m tables")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """The widths nano and small, and the paper's table, of trainings of one pass."""
    with pytest.MonkeyPatch.context() as patch:
        digits = DATASET_DEFAULTS["digits"]
        short = digits._replace(train=digits.train.derive(passes=1))
        patch.setitem(DATASET_DEFAULTS, "digits", short)
        patch.setattr(studies, "WIDTH_PRESETS", {"nano": 8, "small": 12})
        empty = Made(tmp_path_factory.mktemp("made"), Result, Result)
        widths = empty.invoke("widths")
        trained = stamps(empty.runs)
        paper = empty.invoke("paper")
        assert stamps(empty.runs) == trained
        yield dataclasses.replace(empty, widths=widths, paper=paper)


def stamps(folder: Path) -> dict[Path, int]:
    files = [path for path in folder.rglob("*") if path.suffix in (".keras", ".tflite", ".json")]
    assert files
    return {path: path.stat().st_mtime_ns for path in files}


def cells_of(page: str) -> list[list[str]]:
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines]


def test_the_widths_are_trained_verified_timed_and_plotted(made: Made) -> None:
    assert made.widths.exit_code == 0, made.widths.output
    assert "2 jobs, 0 of them done already" in made.widths.output
    folder = made.out("digits/widths")
    assert {path.name for path in folder.iterdir()} == {"pareto.png", FILE, "table.md"}
    results = list(made.results("digits/widths").values())
    rows = cells_of((folder / "table.md").read_text())[2:]
    for result, cells in zip(results, rows, strict=True):
        figures = (result["float_auroc"]["value"], result["int8_auroc"])
        assert cells[1:3] == [f"{figure:.4f}" for figure in figures]
        assert cells[-2:] == [f"{result['int8_bytes']:,}", f"{result['latency_us']:.0f}"]
        assert 1 < result["latency_us"] < 1e5
        assert result["machine"]["threads"] == 1
        assert result["training_seconds"] > 0
    sizes = [result["int8_bytes"] for result in results]
    assert sizes == sorted(sizes)


def test_what_is_there_is_not_done_twice(made: Made) -> None:
    before, results = stamps(made.runs), made.results("digits/widths")
    again = made.invoke("widths")
    assert again.exit_code == 0, again.output
    assert "2 jobs, 2 of them done already" in again.output
    assert made.results("digits/widths") == results
    assert stamps(made.runs) == before


def test_the_time_of_an_int8_file_is_measured_once_and_when_all_are_there(made: Made) -> None:
    table, results = table_of("widths"), made.results("digits/widths")
    assert [cell.name for cell in table.cells] == list(results)
    first = {table.cells[0].name: results[table.cells[0].name]}
    assert measure_latency(Filled(table, first), made.runs) == {}
    assert measure_latency(Filled(table, results), made.runs) == {}
    untimed = {name: {**row} for name, row in results.items()}
    del untimed[table.cells[1].name]["latency_us"]
    measured = measure_latency(Filled(table, untimed), made.runs)
    assert set(measured) == set(results)
    for name, row in measured.items():
        assert row == {**results[name], "latency_us": row["latency_us"]}


def test_the_paper_shares_what_is_trained_and_has_its_plot(made: Made) -> None:
    assert made.paper.exit_code == 0, made.paper.output
    assert "1 jobs, 0 of them done already" in made.paper.output
    folder = made.out("digits")
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {"auroc.png", FILE, "table.md"}
    assert (folder / "auroc.png").read_bytes().startswith(b"\x89PNG")
    (result,) = made.results("digits").values()
    nano = made.results("digits/widths")["nano-8-0-seed-0"]
    for figure in ("float_auroc", "int8_auroc", "config", "int8_bytes", "difference"):
        assert result[figure] == nano[figure]
    assert f"| 0 | {result['float_auroc']['value']:.4f} |" in made.paper.output
    command = "python -m tools.experiments paper --dataset digits --seeds 1 --epochs 1"
    assert json.loads((folder / FILE).read_text())["command"] == command


def test_nothing_written_names_a_place_of_this_machine(made: Made) -> None:
    for path in (made.folder / "out").rglob("*"):
        assert path.is_dir() or str(made.folder).encode() not in path.read_bytes()


def test_kinds_held_out_are_measured_for_our_method_and_for_the_classifier(made: Made) -> None:
    table = table_of("unseen")
    names = ("all seen", "odd held out", "classifier, odd held out")
    cells = [cell for cell in table.cells if cell.label in names]
    folder = made.out("unseen")
    assert fill(table, cells, folder, made.runs, workers=2) == []
    results = Results(folder).read()
    nano = made.results("digits/widths")["nano-8-0-seed-0"]
    assert results["all-seen-0-seed-0"]["float_auroc"] == nano["float_auroc"]
    ours, theirs = results["odd-held-out-0-seed-0"], results["classifier-odd-held-out-0-seed-0"]
    assert ours["config"]["data"]["unseen_kinds"] == list("2468")
    assert "int8_auroc" not in ours
    assert "export" not in ours["command"]
    assert theirs["method"] == "classifier"
    rows = {row[0]: row[1:] for row in cells_of((folder / "table.md").read_text())}
    for label, result in (("odd held out", ours), ("classifier, odd held out", theirs)):
        assert rows[label][1] == f"{result['evaluation']['unseen_auroc']['value']:.4f}"


@pytest.fixture
def nano(made: Made) -> tuple[Run, dict[str, Any]]:
    """A run that is trained, evaluated, exported and verified, and its result."""
    cell = table_of("widths").cells[0]
    return Run.open(made.runs / cell.run_name), made.results("digits/widths")[cell.name]


def test_a_result_holds_the_figures(nano: tuple[Run, dict[str, Any]]) -> None:
    run, result = nano
    metrics = json.loads(run.metrics_path.read_text())
    bundle = run.folder / "bundles" / "cpu"
    verification = json.loads((bundle / "verification" / "model.tflite.json").read_text())
    assert result["float_auroc"] == metrics["auroc"]
    assert result["float_auroc"]["value"] == verification["float_auroc"]
    assert result["int8_auroc"] == verification["exported_auroc"]
    assert result["difference"] == verification["difference"]
    assert result["int8_bytes"] == (bundle / "model.tflite").stat().st_size
    history = run.read_history()
    assert result["epochs"] == len(history) == 1
    assert history[result["best_epoch"] - 1]["validation_auroc"] == result["validation_auroc"]


def test_the_command_of_a_result_repeats_it(
    made: Made, nano: tuple[Run, dict[str, Any]], tmp_path: Path
) -> None:
    run, result = nano
    name = run.folder.name
    written, train, export = result["command"].split(" && ")
    assert written == f"python -m tools.experiments config {FILE} {result['name']} > {name}.toml"
    assert train == f"ganad-tf train --config {name}.toml --name {name}"
    assert export == f"ganad-tf export --run runs/{name}"
    config = tmp_path / f"{name}.toml"
    path = made.out("digits/widths") / FILE
    config.write_text(tables.invoke("config", path, result["name"]).output)
    assert make_config(read_config(config)) == run.config


def test_a_run_folder_with_other_settings_is_refused(nano: tuple[Run, dict[str, Any]]) -> None:
    run, _ = nano
    with pytest.raises(UserError, match="other settings"):
        train_evaluate_verify(run.config.derive(train={"epochs": 5}), run.folder)
