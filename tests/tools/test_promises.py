"""The table of promised and measured false rejects."""

from pathlib import Path
from typing import Any

from tests.support.tables import write_results
from tools.experiments.promises import promise_table
from tools.experiments.results import Results
from tools.experiments.table import Cell, Filled


def made_up(cell: Cell) -> dict[str, Any] | None:
    if cell.config.data.dataset == "fashion-mnist":
        return None
    return {
        "float_auroc": {"value": 0.99},
        "evaluation": {"good_parts": 25, "promised_false_reject_rate": 0.1129},
        "verdict": {
            "outcome": "undecided",
            "reason": "misses may rise by 3.0 points",
            "false_rejects": {"float_errors": 2, "exported_errors": 3, "images": 50},
            "misses": {"float_errors": 0, "exported_errors": 1, "images": 8},
        },
    }


def test_each_seed_has_a_row_with_promise_counts_and_verdict(tmp_path: Path) -> None:
    folder = {"data": {"dataset": "folder", "data_dir": "parts", "size": 64}}
    table = promise_table("parts", (folder,), 2, "python -m tables")
    assert [cell.config.seed for cell in table.cells] == [0, 0, 0, 1, 1, 1]
    write_results(table, tmp_path, made_up)
    page = table.page(Filled(table, Results(tmp_path).of(table.cells))).splitlines()
    expected = (
        "25 good parts | at most 11.3% | 2 of 50 (4.0%) | 3 of 50 (6.0%) | 8 of 8 (100.0%) | "
        "7 of 8 (87.5%) | undecided: misses may rise by 3.0 points |"
    )
    assert page[2:] == [
        f"| digits | 0 | {expected}",
        f"| digits | 1 | {expected}",
        "| fashion-mnist | - | - | - | - | - | - | - | - |",
        f"| parts | 0 | {expected}",
        f"| parts | 1 | {expected}",
    ]
