"""How often the intervals of evaluate hold the truth, by simulation: docs/coverage.md.

python -m tools.coverage [--draws 500]
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import SupportsFloat

import click
import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ganad_station.calibration import set_threshold
from ganad_station.threshold import percent
from ganad_tf.evaluation.intervals import Estimate, auroc_difference, auroc_interval, proportion
from ganad_tf.evaluation.metrics import Metric, average_precision, best_f1, recall_at
from ganad_tf.evaluation.resampling import bootstrap
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.words import parts_to_resolve
from ganad_tf.system.files import write_text

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
DRAWS = 10_000
LEAST, MOST = 0.94, 0.99
FIRST_WITH_MOST = 20
COUNTS = (2, 5, 20, 100)
AREAS = (0.5, 0.8, 0.95, 0.99, 0.999)
PICTURES_PER_PART = 3
FAR = 100.0
TRUTH_COUNT = 400_000
RESAMPLED = 40
"""A draw of a figure with resamples takes as long as so many of other figures."""

FOUND_AT = 0.1
FOUND = f"found at {percent(FOUND_AT)} false rejects"

Scores = NDArray[np.float64]
Draw = Callable[[np.random.Generator, float, int], tuple[Scores, Scores]]


def equal_spread(rng: np.random.Generator, area: float, count: int) -> tuple[Scores, Scores]:
    """Draw normal scores of good and defective parts with the same spread."""
    shift = np.sqrt(2) * special.ndtri(area)
    return rng.normal(0, 1, count), rng.normal(shift, 1, count)


def wide_defects(rng: np.random.Generator, area: float, count: int) -> tuple[Scores, Scores]:
    """Draw normal scores where those of defective parts spread three times as far."""
    shift = np.sqrt(10) * special.ndtri(area)
    return rng.normal(0, 1, count), rng.normal(shift, 3, count)


def blind(rng: np.random.Generator, area: float, count: int) -> tuple[Scores, Scores]:
    """Draw scores where some defects look like good parts, and all others are far away."""
    is_seen = rng.random(count) >= 2 * (1 - area)
    return rng.normal(0, 1, count), rng.normal(0, 1, count) + FAR * is_seen


DISTRIBUTIONS: dict[str, Draw] = {
    "equal spread": equal_spread,
    "defects spread more": wide_defects,
    "some defects look good": blind,
}


FIGURES: dict[str, Metric] = {
    "average precision": average_precision,
    "best F1": best_f1,
    FOUND: recall_at(FOUND_AT),
}


@dataclass(frozen=True)
class Row:
    """The coverage of an interval in some cases.

    Attributes:
        name: What is estimated, and of which scores.
        cases: The true value, or the rate, of each column.
        count: Number of parts of each class.
        coverage: For each column, the fraction of draws whose interval holds the truth.
    """

    name: str
    cases: tuple[str, ...]
    count: int
    coverage: tuple[float, ...]


def split(good: Scores, defective: Scores, pictures: int = 1) -> ScoredSplit:
    """Combine scores of good and defective parts, with some pictures of each part in a row."""
    is_anomaly = np.repeat([False, True], [len(good), len(defective)])
    scores = np.concatenate([good, defective])
    return ScoredSplit.of_labels(is_anomaly, scores, np.arange(len(scores)) // pictures)


def holds(estimate: Estimate, truth: float) -> bool:
    """Return whether an interval holds the truth, up to rounding."""
    return estimate.low - 1e-9 <= truth <= estimate.high + 1e-9


def auroc_row(name: str, count: int, draws: int) -> Row:
    """Measure `auroc_interval`, one picture per part."""
    rng = np.random.default_rng(0)
    coverage = [
        np.mean(
            [
                holds(auroc_interval(split(*DISTRIBUTIONS[name](rng, area, count))), area)
                for _ in range(draws)
            ]
        )
        for area in AREAS
    ]
    return _row(f"AUROC, {name}", AREAS, count, coverage)


def auroc_of_parts_row(count: int, draws: int) -> Row:
    """Measure `auroc_interval` where three pictures of each part have almost the same score."""
    rng, noise = np.random.default_rng(0), 0.3

    def draw(area: float) -> ScoredSplit:
        scale = np.sqrt(1 - noise**2)
        good, defective = (
            np.repeat(scores, PICTURES_PER_PART) * scale
            for scores in equal_spread(rng, area, count)
        )
        # The shift is that of scores with the spread of part and noise together.
        defective += (1 - scale) * np.sqrt(2) * special.ndtri(area)
        noises = rng.normal(0, noise, (2, len(good)))
        return split(good + noises[0], defective + noises[1], PICTURES_PER_PART)

    coverage = [
        np.mean([holds(auroc_interval(draw(area)), area) for _ in range(draws)]) for area in AREAS
    ]
    return _row(f"AUROC, {PICTURES_PER_PART} pictures of each part", AREAS, count, coverage)


def proportion_row(count: int) -> Row:
    """Compute the coverage of `proportion` exactly, from the binomial distribution."""
    rates, hits = (0.01, 0.05, 0.2, 0.5), np.arange(count + 1)
    found = [proportion(np.arange(count) < number, np.arange(count)) for number in hits]
    coverage = [
        stats.binom.pmf(hits, count, rate) @ [holds(estimate, rate) for estimate in found]
        for rate in rates
    ]
    return _row("rate of false rejects or misses (exact)", rates, count, coverage)


def difference_row(count: int, draws: int) -> Row:
    """Measure `auroc_difference` for a second scorer with a little noise of its own."""
    rng, noise = np.random.default_rng(0), 0.2
    areas = (0.7, 0.9, 0.99)
    coverage = []
    for area in areas:
        shift = np.sqrt(2) * special.ndtri(area)
        truth = stats.norm.cdf(shift / np.sqrt(2 * (1 + noise**2))) - area
        kept = 0
        for _ in range(draws):
            scored = split(*equal_spread(rng, area, count))
            noisy = scored.with_scores(scored.scores + rng.normal(0, noise, len(scored)))
            kept += holds(auroc_difference(noisy, scored.scores), truth)
        coverage.append(kept / draws)
    return _row("AUROC difference (DeLong)", areas, count, coverage)


def resampled_row(name: str, count: int, draws: int) -> Row:
    """Measure `bootstrap`."""
    metric = FIGURES[name]
    rng, areas = np.random.default_rng(0), (0.7, 0.9, 0.99)
    coverage = []
    for area in areas:
        many = split(*equal_spread(np.random.default_rng(1), area, TRUTH_COUNT))
        truth = metric(many.is_anomaly, many.scores)
        kept = [
            holds(bootstrap(metric, split(*equal_spread(rng, area, count))), truth)
            for _ in range(draws)
        ]
        coverage.append(np.mean(kept))
    return _row(name, areas, count, coverage)


def promise_row(count: int, draws: int) -> Row:
    """Measure in how many draws `set_threshold` rejects no more new parts than it promises."""
    rng, rates = np.random.default_rng(0), (0.001, 0.01, 0.05, 0.2)
    coverage = []
    for rate in rates:
        kept = 0
        for _ in range(draws):
            # Of uniform scores, 1 - t are above t.
            value, promised, *_ = set_threshold(rng.random(count).tolist(), None, "", rate)
            kept += 1 - value <= promised
        coverage.append(kept / draws)
    return _row("promised false-reject rate is kept", rates, count, coverage)


def _row(name: str, cases: Iterable[float], count: int, coverage: Iterable[SupportsFloat]) -> Row:
    return Row(name, tuple(f"{case:g}" for case in cases), count, tuple(map(float, coverage)))


def jobs(draws: int) -> list[Callable[[], Row]]:
    """Return what makes each row of the page."""
    few = max(1, draws // RESAMPLED)
    return [
        *(partial(auroc_row, name, n, draws) for name in DISTRIBUTIONS for n in COUNTS),
        *(partial(auroc_of_parts_row, n, draws) for n in COUNTS),
        *(partial(proportion_row, n) for n in COUNTS),
        *(partial(promise_row, n, draws) for n in (*COUNTS, 299, 400, 1000)),
        *(partial(difference_row, n, draws) for n in COUNTS),
        *(
            partial(resampled_row, name, n, few)
            for name in FIGURES
            for n in COUNTS
            if name != FOUND or n >= parts_to_resolve(FOUND_AT)
        ),
    ]


def page(rows: Iterable[Row], draws: int) -> str:
    """Write the rows as tables in Markdown; what misses the goal is in bold."""
    lines = [INTRODUCTION.format(draws=draws, few=max(1, draws // RESAMPLED))]
    last = ""
    for row in rows:
        if row.name != last:
            lines += ["", f"### {row.name[0].upper()}{row.name[1:]}", ""]
            lines += [f"| parts per class | {' | '.join(row.cases)} |"]
            lines += ["|---:" * (len(row.cases) + 1) + "|"]
            last = row.name
        cells = (_cell(value, row.count) for value in row.coverage)
        lines.append(f"| {row.count} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" + NOTES


def _cell(value: float, count: int) -> str:
    is_missed = value < LEAST or (count >= FIRST_WITH_MOST and value > MOST)
    shown = f"{100 * value:.1f}"
    return f"**{shown}**" if is_missed else shown


INTRODUCTION = """# How often the intervals hold the truth

`evaluate` prints 95 % intervals, and a threshold promises a false-reject rate with 95 % confidence.
The tables show in how many percent of simulated data sets that is so ({draws:,} draws for each
number; {few:,} for figures with resamples, whose numbers are therefore certain to within about 3
points). Columns are true values, or requested rates. The goal is at least 94 %, and from 20 parts
per class on at most 99 %; **what misses it is in bold**.

    python -m tools.coverage
"""

NOTES = """
## Methods

- **AUROC**: the mid-P interval of a proportion with as many trials as have the variance of the
  AUROC: that of DeLong over parts, or that of Hanley and McNeil if it is larger, and at least as
  many as the smaller class has parts. Perfectly separated classes have that many trials, all of
  them hits: with 2 parts of each class the interval is [0.22, 1], with 20 it is [0.86, 1], with 100
  it is [0.97, 1].
- **Rates**: Clopper and Pearson.
- **Average precision, F1, found at a rate**: the same mid-P interval, with the variance of
  resampled parts and at most as many trials as the smaller class has parts.
- **Threshold**: a tolerance bound after Wilks.

## Where the goal is missed

- Intervals of an AUROC of .99 or more hold the truth in more than 99 %: nearly all of so small data
  sets are separated perfectly and tell nothing else. A shorter interval would fail where some
  defects look like good parts. Tried: the interval of Newcombe (method 5, 2006) holds 86 % at 2
  parts and 90 % at 20 to 100 parts where some defects look good; Wilson's form with the larger of
  the two variances 91 % at 100 parts and an AUROC of .999; the largest possible variance for all
  (Birnbaum and Klose) 93 to 99.9 %; Clopper and Pearson instead of mid-P up to 100 %.
- Rates of 1 % or 5 % at 20 parts: the exact interval of so few trials is long, and a mid-P interval
  would fall below 94 % at other rates.
- The difference of two AUROCs has DeLong's interval here, which is too short for few parts.
  Verification does not use it: it has bounds of its own.
- Average precision and F1: percentiles of resamples, tried before, hold 48 to 92 % at 20 parts,
  and as many trials as the variance asks for hold 86 to 95 % at 20 to 50 parts, since both figures
  are biased in small samples. Trials are therefore limited to the number of parts, which makes the
  intervals long.
"""


@click.command()
@click.option("--draws", type=click.IntRange(min=1), default=DRAWS, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=PAGE, show_default=True)
@click.option("--jobs", "workers", type=click.IntRange(min=1), default=1, show_default=True)
def main(draws: int, out: Path, workers: int) -> None:
    """Measure the coverage of all intervals, and write the page."""
    with ProcessPoolExecutor(workers) as pool:
        rows = [future.result() for future in [pool.submit(job) for job in jobs(draws)]]
    write_text(out, page(rows, draws))
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    main()
