"""How often the intervals of evaluate and verify hold the truth, by simulation: docs/coverage.md.

python -m tools.coverage [--draws 500]
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import click

from ganad_tf.evaluation.words import parts_to_resolve
from ganad_tf.system.files import write_text
from tools.coverage.page import page
from tools.coverage.rows import (
    COUNTS,
    DISTRIBUTIONS,
    FIGURES,
    FOUND,
    FOUND_AT,
    MOVES,
    Row,
    auroc_of_parts_row,
    auroc_row,
    drop_row,
    promise_row,
    proportion_row,
    resampled_row,
    rise_row,
)

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"
DRAWS = 10_000
RESAMPLED = 40
"""A draw of a figure with resamples takes as long as so many of other figures."""


def jobs(draws: int, few: int) -> list[Callable[[], Row]]:
    """Return what makes each row of the page; `few` is the number of draws with resamples."""
    return [
        *(partial(auroc_row, name, n, draws) for name in DISTRIBUTIONS for n in COUNTS),
        *(partial(auroc_of_parts_row, n, draws) for n in COUNTS),
        *(partial(proportion_row, n) for n in COUNTS),
        *(partial(promise_row, n, draws) for n in (*COUNTS, 299, 400, 1000)),
        *(partial(drop_row, move, n, draws) for move in MOVES for n in COUNTS),
        *(partial(rise_row, move, n, draws) for move in MOVES for n in COUNTS),
        *(
            partial(resampled_row, name, n, few)
            for name in FIGURES
            for n in COUNTS
            if name != FOUND or n >= parts_to_resolve(FOUND_AT)
        ),
    ]


@click.command()
@click.option("--draws", type=click.IntRange(min=1), default=DRAWS, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=PAGE, show_default=True)
@click.option("--jobs", "workers", type=click.IntRange(min=1), default=1, show_default=True)
def main(draws: int, out: Path, workers: int) -> None:
    """Measure the coverage of all intervals, and write the page."""
    few = max(1, draws // RESAMPLED)
    with ProcessPoolExecutor(workers) as pool:
        rows = [future.result() for future in [pool.submit(job) for job in jobs(draws, few)]]
    write_text(out, page(rows, draws, few))
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    main()
