"""The pages of tables, in Markdown."""

import statistics
from collections.abc import Sequence

from tools.experiments.references import averages_on
from tools.experiments.table import (
    DIFFERENCE,
    FLOAT_AUROC,
    INT8_AUROC,
    Figure,
    Filled,
    Measure,
    Result,
    auroc_of_kind,
)

NOTHING = "-"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; rows shorter than the head are filled up with empty cells."""
    width = len(head)
    lines = [head, ["---"] * width, *([*row, *[""] * (width - len(row))] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def class_page(filled: Filled, dataset: str) -> str:
    """Return the page of a table with a row for each normal class: float, int8 and difference.

    Args:
        filled: The table with the results that there are.
        dataset: Name of the data set; the averages that others published follow ours.
    """
    measures = (FLOAT_AUROC, INT8_AUROC, DIFFERENCE)
    results = {label: filled.of(label) for label in filled.labels}
    rows = [[label, *_texts(measures, of), _seeds(of)] for label, of in results.items()]
    drops = {
        label: figure.mean for label, of in results.items() if (figure := DIFFERENCE.figure(of))
    }
    if drops:
        missing = len(results) - len(drops)
        scope = f" of {len(drops)}, {missing} missing" if missing else ""
        averages = [f"**{average(filled, measure):{measure.form}}**" for measure in measures]
        rows.append([f"**average{scope}**", *averages])
    rows += [[label, f"{value:.3f}"] for label, value in averages_on(dataset).items()]
    head = ["normal class", *(measure.title for measure in measures), "seeds"]
    text = markdown_table(head, rows)
    if drops:
        worst = min(drops, key=drops.__getitem__)
        text += f"\nLargest drop from float to int8: {drops[worst]:+.5f} ({worst}).\n"
    return text


def average(filled: Filled, measure: Measure) -> float:
    """Return the average of the rows that have results, whatever their number of seeds."""
    figures = (measure.figure(filled.of(label)) for label in filled.labels)
    return statistics.fmean(figure.mean for figure in figures if figure is not None)


def split_page(filled: Filled, title: str, measures: Sequence[Measure]) -> str:
    """Return the page of a table over splits of a folder: measures, then AUROC by kind.

    Args:
        filled: The table with the results that there are.
        title: Head of the column of labels.
        measures: What to show of each row.
    """
    results = {label: filled.of(label) for label in filled.labels}
    every = [result for of in results.values() for result in of]
    kinds = sorted({kind for result in every for kind in result["evaluation"]["auroc_by_kind"]})
    by_kind = [auroc_of_kind(kind) for kind in kinds]
    figures = markdown_table(
        [title, "seeds", *(measure.title for measure in measures)],
        [[label, _seeds(of), *_texts(measures, of)] for label, of in results.items()],
    )
    of_kinds = markdown_table(
        [title, *kinds], [[label, *_texts(by_kind, of)] for label, of in results.items()]
    )
    return f"{figures}\nAUROC by kind, float:\n\n{of_kinds}"


def study_page(filled: Filled, name: str, about: str, measures: Sequence[Measure]) -> str:
    """Return the page of a study: a row for each variation, a column for each normal class.

    Args:
        filled: The table with the results that there are.
        name: Name of the study.
        about: What its rows are.
        measures: What to show of each row.
    """
    configs = [cell.config for cell in filled.table.cells]
    classes, seeds, epochs = (
        ", ".join(map(str, dict.fromkeys(values)))
        for values in (
            [config.data.normal_class for config in configs],
            [config.seed for config in configs],
            [config.train.epochs for config in configs],
        )
    )
    by_column = [measure for measure in measures if measure.by_column]
    many = len(by_column) > 1
    shown = [(column, measure) for column in filled.columns for measure in by_column]
    head = [
        name,
        *(f"{column}, {measure.title}" if many else column for column, measure in shown),
        *(_average_title(measure, many) for measure in measures),
    ]
    rows = [
        [
            label,
            *(_text(measure, filled.of(label, column)) for column, measure in shown),
            *(_average_text(filled, label, measure) for measure in measures),
        ]
        for label in filled.labels
    ]
    return (
        f"# {name} on {configs[0].data.dataset}\n\n{about}\n\n"
        f"AUROC on the test split for each normal class. Classes: {classes}; seeds: {seeds}; "
        f"epochs: {epochs}.\n\n{markdown_table(head, rows)}"
    )


def row_average(filled: Filled, label: str, measure: Measure) -> float | None:
    """Return the average of a row over its columns.

    Returns:
        None while a column is missing, so that averages of rows can be compared; a measure that
        is not shown by column takes the columns that there are.
    """
    figures = [measure.figure(filled.of(label, column)) for column in filled.columns]
    means = [figure.mean for figure in figures if figure is not None]
    enough = len(figures) if measure.by_column else 1
    return statistics.fmean(means) if len(means) >= enough else None


def _average_title(measure: Measure, many: bool) -> str:
    if not measure.by_column:
        return measure.title
    return f"average, {measure.title}" if many else "average"


def _average_text(filled: Filled, label: str, measure: Measure) -> str:
    value = row_average(filled, label, measure)
    return NOTHING if value is None else Figure(value).text(measure.form)


def _texts(measures: Sequence[Measure], results: Sequence[Result]) -> list[str]:
    return [_text(measure, results) for measure in measures]


def _text(measure: Measure, results: Sequence[Result]) -> str:
    figure = measure.figure(results)
    return NOTHING if figure is None else figure.text(measure.form)


def _seeds(results: Sequence[Result]) -> str:
    return ", ".join(str(result["seed"]) for result in results) or NOTHING
