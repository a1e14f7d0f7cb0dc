"""The tables of the paper: averages, gaps, what others report, and the command."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.tables import invoke, write_results
from tools.experiments.markdown import average
from tools.experiments.paper import paper_table
from tools.experiments.references import averages_on, paper_average
from tools.experiments.results import Results
from tools.experiments.table import (
    DIFFERENCE,
    FLOAT_AUROC,
    INT8_AUROC,
    Cell,
    Figure,
    Filled,
    Measure,
    Table,
)


def made_up(float_auroc: float, int8_auroc: float) -> dict[str, Any]:
    return {
        "float_auroc": {"value": float_auroc},
        "int8_auroc": int8_auroc,
        "difference": {"value": int8_auroc - float_auroc},
    }


def fill_with(folder: Path, dataset: str, figures: dict[tuple[int, int], dict[str, Any]]) -> Filled:
    """The table of a data set with results by class and seed."""

    def find(cell: Cell) -> dict[str, Any] | None:
        return figures.get((cell.config.data.normal_class, cell.config.seed))

    seeds = 1 + max(seed for _, seed in figures)
    table = paper_table({"data": {"dataset": dataset}}, seeds, "python -m tables")
    write_results(table, folder, find)
    return Filled(table, Results(folder).of(table.cells))


def page_of(filled: Filled) -> list[str]:
    return filled.table.page(filled).splitlines()


def test_the_average_is_over_classes_however_many_seeds_each_has(tmp_path: Path) -> None:
    filled = fill_with(
        tmp_path,
        "digits",
        {
            (0, 0): made_up(0.9, 0.89),
            (0, 1): made_up(0.8, 0.81),
            (0, 2): made_up(0.85, 0.82),
            (1, 0): made_up(0.6, 0.58),
        },
    )
    floats, int8s = np.array([0.9, 0.8, 0.85]), np.array([0.89, 0.81, 0.82])

    def figure(label: str, measure: Measure) -> Figure:
        found = measure.figure(filled.of(label))
        assert found is not None
        return found

    row = figure("0", FLOAT_AUROC)
    assert row.mean == pytest.approx(floats.mean())
    assert row.deviation == pytest.approx(floats.std(ddof=1))
    assert figure("0", DIFFERENCE).deviation == pytest.approx((int8s - floats).std(ddof=1))
    assert [result["seed"] for result in filled.of("0")] == [0, 1, 2]
    assert average(filled, FLOAT_AUROC) == pytest.approx((floats.mean() + 0.6) / 2)
    assert average(filled, INT8_AUROC) == pytest.approx((int8s.mean() + 0.58) / 2)
    assert FLOAT_AUROC.figure(filled.of("2")) is None
    lines = page_of(filled)
    assert lines[2].startswith("| 0 | 0.8500 ± 0.0500 | 0.8400 ± ")
    assert lines[2].endswith(" | 0, 1, 2 |")
    assert lines[-1] == "Largest drop from float to int8: -0.02000 (1)."


def test_the_table_has_a_gap_where_a_class_is_missing(tmp_path: Path) -> None:
    lines = page_of(fill_with(tmp_path, "cifar10", {(3, 0): made_up(0.9, 0.89)}))
    assert lines[0] == "| normal class | float AUROC | int8 AUROC | difference | seeds |"
    assert lines[2:12] == [
        "| 3 cat | 0.9000 | 0.8900 | -0.01000 | 0 |"
        if number == 3
        else f"| {label} | - | - | - | - |"
        for number, label in enumerate(
            (
                *("0 airplane", "1 automobile", "2 bird", "3 cat", "4 deer"),
                *("5 dog", "6 frog", "7 horse", "8 ship", "9 truck"),
            )
        )
    ]
    average_line, paper_line = lines[12:14]
    assert average_line.startswith("| **average of 1, 9 missing** | **0.9000** | **0.8900** |")
    assert paper_line.startswith("| the paper: ")
    assert "(recalled, unconfirmed) | 0.906 |" in paper_line
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert lines[-1] == "Largest drop from float to int8: -0.01000 (3 cat)."


def test_a_table_without_results_is_all_gaps() -> None:
    table = paper_table({"data": {"dataset": "digits"}}, 1, "python -m tables")
    lines = page_of(Filled(table, {}))
    assert lines[2:] == [f"| {number} | - | - | - | - |" for number in range(10)]


def test_a_single_seed_has_no_deviation() -> None:
    assert Figure.over([0.5]).text() == "0.5000"
    assert Figure.over([0.4, 0.6]).text() == "0.5000 ± 0.1414"


def test_the_digits_have_no_reference() -> None:
    assert averages_on("digits") == {}
    assert paper_average("digits") is None
    assert paper_average("fashion-mnist") == 0.986


def places(folder: Path) -> tuple[object, ...]:
    return "--runs", folder / "runs", "--out", folder / "out"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("paper", "--classes", "0,12"), "no class 12"),
        (("paper", "--classes", "cat"), "not a list of classes"),
        (("paper", "--epochs", "0"), "epochs must be at least 1"),
        (("widths", "--classes", "0,12"), "no class 12"),
        (("depths",), "No such command 'depths'"),
        (("ablation", "--epochs", "0"), "epochs must be at least 1"),
    ],
)
def test_bad_arguments_end_in_one_line(tmp_path: Path, arguments: tuple, words: str) -> None:
    name, *rest = arguments
    result = invoke(name, "--dataset", "digits", *places(tmp_path), *rest)
    assert result.exit_code == 2
    assert words in result.output
    assert result.output.count("error: ") == 1
    assert not (tmp_path / "out").exists()


def test_a_failed_class_is_named_and_the_table_written_all_the_same(tmp_path: Path) -> None:
    table: Table = paper_table(
        {"data": {"dataset": "digits"}, "train": {"epochs": 3}}, 1, "python -m tables"
    )
    folder = tmp_path / "out" / "digits"
    write_results(table, folder, lambda cell: made_up(0.9, 0.89) if cell.label == "0" else None)
    blocked = tmp_path / "runs" / table.cells[3].run_name
    blocked.mkdir(parents=True)
    (blocked / "notes.txt").write_text("mine")
    arguments = ("--classes", "0,3", "--epochs", 3)
    outcome = invoke("paper", "--dataset", "digits", *places(tmp_path), *arguments)
    assert outcome.exit_code == 1
    assert "2 jobs, 1 of them done already" in outcome.output
    assert re.search(r"\[1/1\] 3-seed-0 failed: .*is not empty", outcome.output)
    assert "error: failed: 3-seed-0" in outcome.output
    page = (folder / "table.md").read_text()
    assert re.search(r"^\| 0 \| \d\.\d{4} \|", page, re.MULTILINE)
    assert "| 3 | - | - |" in page
    command = "python -m tools.experiments paper --dataset digits --seeds 1 --epochs 3"
    assert f"Made by `{command}`." in page
