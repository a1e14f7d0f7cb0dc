"""A table as data: its cells, what is measured of each, and what is written."""

import hashlib
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganad_tf.config import RunConfig, to_toml
from tools.experiments.detector import train_evaluate

DIGEST_LENGTH = 8

Result = dict[str, Any]
Work = Callable[[RunConfig, Path], Result]


@dataclass(frozen=True)
class Cell:
    """One result of a table.

    Attributes:
        label: Label of its row.
        config: Settings of data and method.
        work: Makes the result from the configuration and the path of a run folder; a function
            of a module, because it is pickled.
        column: Label of its column, empty where the table has only one.
    """

    label: str
    config: RunConfig
    work: Work = train_evaluate
    column: str = ""

    @property
    def name(self) -> str:
        """The name of the result in the data file of the table."""
        words = f"{self.label} {self.column} seed {self.config.seed}".lower()
        return re.sub("[^a-z0-9]+", "-", words).strip("-")

    @property
    def run_name(self) -> str:
        """The name of the run folder, which tables share where their settings are the same."""
        config = self.config.portable()
        digest = hashlib.sha256(to_toml(config).encode()).hexdigest()[:DIGEST_LENGTH]
        return f"{config.data.dataset}-{config.data.normal_class}-{config.seed}-{digest}"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        command: The command that makes it.
        cells: All cells that it shows, in the order in which they are made.
        page: Returns the Markdown of the results so far.
        plot: Plots the results so far, given the folder of the table.
        finish: Called when all jobs are done and nothing else runs, with the folder of the run
            folders; returns what is added to results, by their name.
        check: Raises a `UserError` if something that the work needs is not installed.
    """

    command: str
    cells: tuple[Cell, ...]
    page: Callable[["Filled"], str]
    plot: Callable[["Filled", Path], None] | None = None
    finish: Callable[["Filled", Path], dict[str, Result]] | None = None
    check: Callable[[], None] | None = None


@dataclass(frozen=True)
class Filled:
    """A table and the results that there are.

    Attributes:
        table: The table to fill.
        results: The results by the name of their cell.
    """

    table: Table
    results: Mapping[str, Result]

    @property
    def labels(self) -> list[str]:
        """Labels of the rows."""
        return list(dict.fromkeys(cell.label for cell in self.table.cells))

    @property
    def columns(self) -> list[str]:
        """Labels of the columns."""
        return list(dict.fromkeys(cell.column for cell in self.table.cells))

    def of(self, label: str, column: str | None = None) -> list[Result]:
        """Return the results of a row, or of one of its cells, in the order of their seeds."""
        found = [
            self.results[cell.name]
            for cell in self.table.cells
            if cell.label == label and column in (None, cell.column) and cell.name in self.results
        ]
        return sorted(found, key=lambda result: result["seed"])


@dataclass(frozen=True)
class Figure:
    """A figure over several seeds.

    Attributes:
        mean: Mean over the seeds.
        deviation: Sample standard deviation, None for a single seed.
    """

    mean: float
    deviation: float | None = None

    @classmethod
    def over(cls, values: Sequence[float]) -> "Figure":
        """Return the figure over some values, at least one."""
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), deviation)

    def text(self, form: str = ".4f") -> str:
        """Return the mean and the deviation, if there is one, with the same number of digits."""
        digits = form.removeprefix("+")
        spread = "" if self.deviation is None else f" ± {self.deviation:{digits}}"
        return f"{self.mean:{form}}{spread}"


@dataclass(frozen=True)
class Measure:
    """A figure that a table shows of each result.

    Attributes:
        title: Head of its column.
        value: Takes the figure from a result; None where the result has none.
        form: Format specification of the figure.
        by_column: Whether the figure is shown for each column of the table, or only its average.
    """

    title: str
    value: Callable[[Result], float | None]
    form: str = ".4f"
    by_column: bool = True

    def figure(self, results: Sequence[Result]) -> Figure | None:
        """Return the figure over the results that have one, None if there are none."""
        values = [value for value in map(self.value, results) if value is not None]
        return Figure.over(values) if values else None


def _of_parts(result: Result) -> float:
    """Return the AUROC of parts, which is that of images where each part has one image."""
    return (result["evaluation"]["auroc_of_parts"] or result["float_auroc"])["value"]


FLOAT_AUROC = Measure("float AUROC", lambda result: result["float_auroc"]["value"])
INT8_AUROC = Measure("int8 AUROC", lambda result: result["int8_auroc"])
DIFFERENCE = Measure("difference", lambda result: result["difference"]["value"], "+.5f")
AUROC_OF_PARTS = Measure("float, of parts", _of_parts)


def auroc_of_kind(kind: str) -> Measure:
    """Return the AUROC of the anomalies of a kind against all normal images."""
    return Measure(kind, lambda result: result["evaluation"]["auroc_by_kind"][kind]["value"], ".3f")
