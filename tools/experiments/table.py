"""Tables of results: float and int8 AUROC of each row, and their average."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Result = dict[str, Any]
NOTHING = "-"


@dataclass(frozen=True)
class Figure:
    """A figure over several seeds.

    Attributes:
        mean: Its mean.
        deviation: Its sample standard deviation, None for a single seed.
    """

    mean: float
    deviation: float | None = None

    @classmethod
    def over(cls, values: Sequence[float]) -> "Figure":
        """Return the figure over some values, at least one."""
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), deviation)

    def text(self, form: str = ".4f") -> str:
        """Return the mean and, where there is one, the deviation, with as many digits."""
        digits = form.removeprefix("+")
        spread = "" if self.deviation is None else f" ± {self.deviation:{digits}}"
        return f"{self.mean:{form}}{spread}"


@dataclass(frozen=True)
class Row:
    """What a row of a table says of the results with its label.

    Attributes:
        label: Its first cell.
        seeds: Seeds of the results.
        float_auroc: AUROC of the float model.
        int8_auroc: AUROC of the verified int8 file.
        difference: int8 minus float.
    """

    label: str
    seeds: tuple[int, ...]
    float_auroc: Figure
    int8_auroc: Figure
    difference: Figure

    @classmethod
    def of(cls, label: str, results: Sequence[Result]) -> "Row":
        """Return the row of some results, at least one."""
        return cls(
            label,
            tuple(sorted({result["config"]["seed"] for result in results})),
            Figure.over([result["float_auroc"]["value"] for result in results]),
            Figure.over([result["int8_auroc"] for result in results]),
            Figure.over([result["difference"]["value"] for result in results]),
        )


def describe(result: Result) -> str:
    """Return the figures of a result in a few words."""
    return (
        f"float {result['float_auroc']['value']:.4f}, "
        f"int8 {result['int8_auroc']:.4f} ({result['difference']['value']:+.4f})"
    )


@dataclass(frozen=True)
class Summary:
    """A table: its rows, and what they come to.

    Attributes:
        rows: A row a label; None where there are no results yet.
        float_auroc: Mean over the rows there are.
        int8_auroc: The same of int8.
        difference: int8 minus float.
        worst_label: The row whose AUROC falls most, from float to int8.
        worst_difference: Its difference.
    """

    rows: Mapping[str, Row | None]
    float_auroc: float
    int8_auroc: float
    difference: float
    worst_label: str
    worst_difference: float

    @property
    def found(self) -> list[Row]:
        """The rows there are."""
        return [row for row in self.rows.values() if row is not None]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def summarize(results: Mapping[str, Sequence[Result]]) -> Summary:
    """Sum up results, a row a label; labels without results are gaps.

    Args:
        results: The results of each label, one a seed; not all empty.
    """
    rows = {label: Row.of(label, some) if some else None for label, some in results.items()}
    found = [row for row in rows.values() if row is not None]
    worst = min(found, key=lambda row: row.difference.mean)
    return Summary(
        rows,
        statistics.fmean(row.float_auroc.mean for row in found),
        statistics.fmean(row.int8_auroc.mean for row in found),
        statistics.fmean(row.difference.mean for row in found),
        worst.label,
        worst.difference.mean,
    )


def to_markdown(
    summary: Summary,
    title: str,
    references: Mapping[str, float] | None = None,
    files: Mapping[str, str] | None = None,
) -> str:
    """Write a summary as a Markdown table.

    Args:
        summary: What to write.
        title: Head of the column of labels.
        references: Averages of others by their label, below our own.
        files: Markdown links to the files of each label, where there are some.

    Returns:
        The table, with one line below it on the worst row.
    """
    head = (
        title,
        "float AUROC",
        "int8 AUROC",
        "difference",
        "seeds",
        *(("files",) if files else ()),
    )
    gap = len(head) - 1
    lines = markdown_lines([head])
    for label, row in summary.rows.items():
        cells = [NOTHING] * gap if row is None else _cells(row, files)
        lines.append(_line([label, *cells]))
    missing = len(summary.rows) - len(summary.found)
    scope = f" of {len(summary.found)}, {missing} missing" if missing else ""
    average = (summary.float_auroc, summary.int8_auroc)
    cells = [f"**{value:.4f}**" for value in average] + [f"**{summary.difference:+.5f}**"]
    lines.append(_line([f"**average{scope}**", *cells, *[""] * (gap - 3)]))
    for label, value in (references or {}).items():
        lines.append(_line([label, f"{value:.3f}", *[""] * (gap - 1)]))
    worst = (
        f"Largest drop from float to int8: {summary.worst_difference:+.5f} ({summary.worst_label})."
    )
    return "\n".join([*lines, "", worst, ""])


def _cells(row: Row, files: Mapping[str, str] | None) -> list[str]:
    cells = [row.float_auroc.text(), row.int8_auroc.text(), row.difference.text("+.5f")]
    seeds = ", ".join(map(str, row.seeds))
    return [*cells, seeds, *((files[row.label],) if files else ())]


def markdown_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table, the first row being its head."""
    head, *rest = rows
    return [_line(cells) for cells in (head, ["---"] * len(head), *rest)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
