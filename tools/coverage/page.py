"""The page docs/coverage.md."""

from collections.abc import Iterable

from tools.coverage.rows import Row

LEAST, MOST = 0.94, 0.99
FIRST_WITH_MOST = 20
"""Number of parts per class from which on a coverage above `MOST` misses the goal."""


def page(rows: Iterable[Row], draws: int, few: int) -> str:
    """Write the rows as tables in Markdown; what misses the goal is in bold.

    Args:
        rows: The rows; those with the same name are in one table.
        draws: Number of simulated test splits of each row.
        few: Number of those of figures with resamples.
    """
    lines = [INTRODUCTION.format(draws=draws, few=few)]
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
- **Verification**: see the docstring of `ganad_tf.exporting.verdict`. Scores of a class have the
  standard deviation 1, and quantization moves each at random.

## Where the goal is missed

- Intervals of an AUROC of .99 or more hold the truth in more than 99 %: nearly all of so small data
  sets are separated perfectly and tell nothing else. A shorter interval would fail where some
  defects look like good parts. Tried: the interval of Newcombe (method 5, 2006) holds 86 % at 2
  parts and 90 % at 20 to 100 parts where some defects look good; Wilson's form with the larger of
  the two variances 91 % at 100 parts and an AUROC of .999; the largest possible variance for all
  (Birnbaum and Klose) 93 to 99.9 %; Clopper and Pearson instead of mid-P up to 100 %.
- The fraction found at 10 % false rejects, at an AUROC of .7 and with 100 parts, is held by 91 % of
  250 intervals: the threshold is estimated, too.
- The bounds of a verification hold in more than 99 %, because a file must not be called verified by
  chance: they are the smallest of several bounds, whose error is divided among them, and a pair of
  images counts as a trial of its own only once per part. What this costs is outcomes that are
  undecided.
- Average precision and F1: percentiles of resamples, tried before, hold 48 to 92 % at 20 parts,
  and as many trials as the variance asks for hold 86 to 95 % at 20 to 50 parts, since both figures
  are biased in small samples. Trials are therefore limited to the number of parts, which makes the
  intervals long.
"""
