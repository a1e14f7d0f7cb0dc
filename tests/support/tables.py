"""Tables of made-up or tiny results."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ganad_tf.config import RunConfig, make_config
from tools.experiments.__main__ import main
from tools.experiments.detector import train_evaluate
from tools.experiments.results import Results
from tools.experiments.runner import fill, make_row
from tools.experiments.table import Cell, Filled, Table, Work

TINY = {"train": {"epochs": 2, "passes": 1}}


def invoke(*arguments: object) -> Result:
    """Run `python -m tools.experiments`."""
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def table_of(classes: tuple[int, ...], work: Work = train_evaluate, **layer: Any) -> Table:
    """A table of tiny trainings on the digits, a row for each class, whose page lists results."""
    cells = tuple(tiny_cell(number, work, **layer) for number in classes)
    return Table("python -m tables", cells, list_results)


def tiny_cell(normal_class: int, work: Work, **layer: Any) -> Cell:
    config = make_config(TINY, {"data": {"normal_class": normal_class}}, layer)
    return Cell(f"class {normal_class}", config, work)


def half_trained_table() -> Table:
    """A table of one tiny training and one result that costs nothing."""
    cells = (tiny_cell(0, train_evaluate), tiny_cell(3, seed_as_auroc))
    return Table("python -m tables", cells, list_results)


def list_results(filled: Filled) -> str:
    found = [f"{name}: {result['float_auroc']['value']}" for name, result in filled.results.items()]
    return "".join(f"{line}\n" for line in found)


def seed_as_auroc(config: RunConfig, folder: Path) -> dict[str, Any]:
    """Work that costs nothing; it fails if the run folder exists."""
    if folder.exists():
        raise FileExistsError(folder)
    return {"float_auroc": {"value": config.seed / 10 + config.data.normal_class / 100}}


def write_results(
    table: Table, folder: Path, figures: Callable[[Cell], dict[str, Any] | None]
) -> None:
    """Write made-up results of a table; none for a cell without figures."""
    results = Results(folder)
    made = [(cell, figures(cell)) for cell in table.cells]
    rows = [make_row(cell, found, results.path) for cell, found in made if found]
    results.update(table, {row["name"]: row for row in rows})


if __name__ == "__main__":
    out = Path(sys.argv[1])
    table = half_trained_table()
    print(fill(table, table.cells, out / "table", out / "runs", workers=2))
