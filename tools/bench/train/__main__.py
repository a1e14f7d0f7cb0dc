"""How fast a training step is, against PyTorch, its multiply-adds and the machine's peak.

python -m tools.bench.train                 both of the following, with their defaults
python -m tools.bench.train compare         images/s against the same step in PyTorch
python -m tools.bench.train scaling         time and memory as images and batches grow

Images are random bytes and the networks are not trained to anything: time depends on neither.
Nothing else should run on the machine. PyTorch is needed for `compare` alone.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ganad_tf.cli.errors import Group
from ganad_tf.errors import UserError
from ganad_tf.system.environment import cores
from ganad_tf.system.files import write_json, write_text
from tools.bench.train import comparison, report, scaling
from tools.bench.train.cases import Case, chunk_steps

COMPARED_SHAPES = ((32, 3), (64, 1))
SIZES, BATCHES = (32, 64, 128, 256), (8, 16, 32, 64)
GIBIBYTE = 2**30
POSITIVE = click.IntRange(min=1)
SECONDS, QUICK_STEPS = 1.5, 2


def common_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what both commands take."""
    for option in (
        click.option("--quick", is_flag=True, help="A few steps, to see whether all works."),
        click.option(
            "--out",
            default="docs/bench_train",
            type=click.Path(file_okay=False, path_type=Path),
            show_default=True,
            help="Folder of the results.",
        ),
    ):
        command = option(command)
    return command


def make_case(size: int, channels: int, batch: int, threads: int, quick: bool) -> Case:
    """Return a case with the times of a quick or of a full measurement."""
    steps = QUICK_STEPS if quick else chunk_steps(size, batch)
    return Case(size, channels, batch, threads, 0.0 if quick else SECONDS, steps)


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure the training step; without a command, do all with the defaults."""
    if context.invoked_subcommand is None:
        context.invoke(compare)
        context.invoke(scale)


@main.command("compare")
@click.option("--size", type=POSITIVE, multiple=True, help="Of the images; repeat for more shapes.")
@click.option("--channels", type=POSITIVE, multiple=True, help="As many times as --size.")
@click.option(
    "--batch", type=POSITIVE, default=16, show_default=True, help="Normal images per step."
)
@click.option("--threads", type=POSITIVE, multiple=True, help="[default: 1, and 2 if there are]")
@click.option("--rounds", type=POSITIVE, default=3, show_default=True)
@common_options
def compare(
    size: tuple[int, ...],
    channels: tuple[int, ...],
    batch: int,
    threads: tuple[int, ...],
    rounds: int,
    out: Path,
    quick: bool,
) -> None:
    """Images/s of our training step and of PyTorch's, in turns (32x32x3 and 64x64x1)."""
    if importlib.util.find_spec("torch") is None:
        raise UserError("PyTorch is not installed: pip install torch==2.13.0")
    if len(size) != len(channels):
        raise UserError(f"{len(size)} --size but {len(channels)} --channels: give both in pairs")
    shapes = tuple(zip(size, channels, strict=True)) or COMPARED_SHAPES
    found = []
    for shape in shapes:
        for count in threads or range(1, min(2, cores()) + 1):
            case = make_case(*shape, batch, count, quick)
            click.echo(f"{case.shape}, threads: {count}", err=True)
            found.append(comparison.compare(case, 1 if quick else rounds))
    write_results(out, "compare", report.comparison_report(found), found)
    report.plot_comparison(found, out / "compare.png")


@main.command("scaling")
@click.option("--size", type=POSITIVE, multiple=True, default=SIZES, show_default=True)
@click.option("--batch", type=POSITIVE, multiple=True, default=BATCHES, show_default=True)
@click.option("--channels", type=POSITIVE, default=3, show_default=True)
@click.option("--threads", type=POSITIVE, help="[default: all cores]")
@click.option(
    "--memory-limit", default=6.0, show_default=True, help="GiB; larger cases are left out."
)
@common_options
def scale(
    size: tuple[int, ...],
    batch: tuple[int, ...],
    channels: int,
    threads: int | None,
    memory_limit: float,
    out: Path,
    quick: bool,
) -> None:
    """Time and memory of our training step for each size and batch."""
    count = threads or cores()
    cases = [make_case(side, channels, images, count, quick) for side in size for images in batch]
    points = []
    for point in scaling.scale(cases, memory_limit * GIBIBYTE):
        click.echo(f"{point.case.shape}, batch: {point.case.batch}", err=True)
        points.append(point)
    write_results(out, "scaling", report.scaling_report(points, len(cases)), points)
    report.plot_scaling(points, out / "scaling.png")


def write_results(out: Path, name: str, text: str, entries: list[Any]) -> None:
    """Print a report, and write it and the summaries of its entries."""
    click.echo(text)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / f"{name}.md", f"{text}\n")
    write_json(out / f"{name}.json", [entry.summary() for entry in entries])


if __name__ == "__main__":
    main()
