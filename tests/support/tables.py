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
    layers = [{"data": {"normal_class": number}} for number in classes]
    cells = [
        Cell(f"class {number}", make_config(TINY, place, layer), work)
        for number, place in zip(classes, layers, strict=True)
    ]
    return Table("python -m tables", tuple(cells), list_results)


def list_results(filled: Filled) -> str:
    found = [f"{name}: {result['float_auroc']['value']}" for name, result in filled.results.items()]
    return "".join(f"{line}\n" for line in found)


def seed_as_auroc(config: RunConfig, folder: Path) -> dict[str, Any]:
    """Work that costs nothing; it refuses where the run folder is there already."""
    folder.mkdir(parents=True)
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
    tiny = table_of((0, 3))
    print(fill(tiny, tiny.cells, out / "table", out / "runs", workers=2))
