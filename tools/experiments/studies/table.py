"""The table of a study: a row a variation, a column a normal class, and their average."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from tools.experiments.classes import class_label
from tools.experiments.studies.study import Measure, Result, Study
from tools.experiments.studies.tasks import Task
from tools.experiments.table import NOTHING, Figure, markdown_lines


@dataclass(frozen=True)
class Cells:
    """What a row has of a measure.

    Attributes:
        by_class: The figure over seeds of each normal class that there is, by its label.
        average: Mean over the classes; None while one of them is missing, so that averages
            compare like with like.
    """

    by_class: dict[str, Figure]
    average: float | None


Table = dict[str, dict[str, Cells]]


def tabulate(study: Study, tasks: Sequence[Task]) -> Table:
    """Return the cells of each row, by its label and then the title of the measure.

    Args:
        study: The study.
        tasks: All its tasks; those without a result yet are gaps.
    """
    columns = list(dict.fromkeys(_column(task) for task in tasks))
    rows: dict[str, list[tuple[str, Result]]] = {task.label: [] for task in tasks}
    for task in tasks:
        result = task.result()
        if result is not None:
            rows[task.label].append((_column(task), result))
    return {
        label: {measure.title: _cells(measure, row, columns) for measure in study.measures}
        for label, row in rows.items()
    }


def _column(task: Task) -> str:
    return class_label(task.config.data.dataset, task.normal_class)


def _cells(measure: Measure, row: Sequence[tuple[str, Result]], columns: Sequence[str]) -> Cells:
    by_class = {}
    for column in columns:
        values = [measure.value(result) for label, result in row if label == column]
        there = [value for value in values if value is not None]
        if there:
            by_class[column] = Figure.over(there)
    enough = len(columns) if measure.by_class else 1
    average = (
        fmean(figure.mean for figure in by_class.values()) if len(by_class) >= enough else None
    )
    return Cells(by_class, average)


def to_markdown(study: Study, table: Table, columns: Sequence[str]) -> str:
    """Write a table in Markdown.

    Args:
        study: The study.
        table: From `tabulate`.
        columns: The labels of the normal classes.
    """
    shown = [(column, m) for column in columns for m in study.measures if m.by_class]
    many = sum(measure.by_class for measure in study.measures) > 1
    head = [
        study.name,
        *(f"{column}, {m.title}" if many else column for column, m in shown),
        *(_head_of_average(measure, many) for measure in study.measures),
    ]
    lines = [head]
    for label, cells in table.items():
        figures = [cells[measure.title].by_class.get(column) for column, measure in shown]
        texts = [
            NOTHING if figure is None else figure.text(measure.form)
            for figure, (_, measure) in zip(figures, shown, strict=True)
        ]
        lines.append([label, *texts, *(_average(m, cells[m.title]) for m in study.measures)])
    return "\n".join(markdown_lines(lines)) + "\n"


def _head_of_average(measure: Measure, many: bool) -> str:
    if not measure.by_class:
        return measure.title
    return f"average, {measure.title}" if many else "average"


def _average(measure: Measure, cells: Cells) -> str:
    return NOTHING if cells.average is None else f"{cells.average:{measure.form}}"


def to_json(table: Table) -> dict[str, Any]:
    """Return a table as JSON has it."""
    return {
        label: {title: asdict(cells) for title, cells in row.items()}
        for label, row in table.items()
    }
