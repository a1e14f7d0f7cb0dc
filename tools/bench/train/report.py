"""Tables in Markdown and plots of both benchmarks."""

import importlib.metadata
import os
import platform
import statistics
from pathlib import Path

from matplotlib.figure import Figure

from ganad_tf.system.files import replacing
from tools.bench.machine import processor
from tools.bench.train.comparison import Comparison, total_multiply_adds
from tools.bench.train.scaling import Point

COLORS = ("#2a6f97", "#e0a96d", "#c1440e")
DOTS_PER_INCH = 110
MEBIBYTE = 2**20


def machine(*packages: str) -> str:
    """Describe the processor and the versions of packages in one line."""
    versions = (f"{package} {importlib.metadata.version(package)}" for package in packages)
    python = f"Python {platform.python_version()}"
    return ", ".join([processor(), f"{os.cpu_count()} cores", python, *versions])


def comparison_report(comparisons: list[Comparison]) -> str:
    """Return the tables of a comparison: speed, then where the multiply-adds are."""
    batch, rounds = comparisons[0].case.batch, len(comparisons[0].peaks)
    note = (
        f"Batch: {batch} normal images and as many anomalies; images/s counts both. Medians of "
        f"the rounds ({rounds}) and their range. Ratio: ours over the better PyTorch, round by "
        "round. Peak: multiply-adds/s of a large float32 product."
    )
    header = ("shape", "threads", "program", "images/s", "ms per step", "fraction of peak", "ratio")
    lines = [machine("tensorflow", "keras", "torch"), "", note, "", *_header(header)]
    for comparison in comparisons:
        lines += _comparison_rows(comparison)
    return "\n".join([*lines, "", *_multiply_add_table(comparisons)])


def _header(names: tuple[str, ...]) -> list[str]:
    return [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]


def _comparison_rows(comparison: Comparison) -> list[str]:
    rows = []
    for name in comparison.rates:
        step = 2 * comparison.case.batch / comparison.rate(name) * 1e3
        ratio = ""
        if name == comparison.better_twin:
            ratio = _median_and_range(comparison.ratios, 2)
        rows.append(
            f"| {comparison.case.shape} | {comparison.case.threads} | {name} | "
            f"{_median_and_range(comparison.rates[name], 0)} | {step:.1f} | "
            f"{comparison.peak_fraction(name):.1%} of {max(comparison.peaks) / 1e9:.0f} G/s | "
            f"{ratio} |"
        )
    return rows


def _median_and_range(values: list[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _multiply_add_table(comparisons: list[Comparison]) -> list[str]:
    gradients = ("gradient of kernels", "gradient of inputs")
    lines = _header(("shape", "network", "forward", *gradients, "fraction of a step"))
    counts = {comparison.case.shape: comparison.multiply_adds for comparison in comparisons}
    for shape, multiply_adds in counts.items():
        total = total_multiply_adds(multiply_adds)
        for network, passes in multiply_adds.items():
            cells = " | ".join(f"{count / 1e6:.1f} M" for count in passes.values())
            share = sum(passes.values()) / total
            lines.append(f"| {shape} | {network.replace('_', ' ')} | {cells} | {share:.0%} |")
        lines.append(f"| {shape} | all | | | | {total / 1e6:.0f} M |")
    return lines


def scaling_report(points: list[Point], cases: int) -> str:
    """Return the table of the points that were measured, out of so many cases."""
    case = points[0].case
    note = (
        f"Threads: {case.threads}, channels: {case.channels}; images/s counts normals and "
        "anomalies. Memory: the most that was resident in training, minus what was resident "
        f"before it. Peak: {points[0].peak / 1e9:.0f} G multiply-adds/s."
    )
    measured = (
        "ms per step",
        "images/s",
        "memory, MiB",
        "multiply-adds per step",
        "fraction of peak",
    )
    lines = [machine("tensorflow", "keras"), "", note, "", *_header(("size", "batch", *measured))]
    for point in sorted(points, key=lambda point: (point.case.size, point.case.batch)):
        rate = 2 * point.case.batch / point.seconds
        lines.append(
            f"| {point.case.size} | {point.case.batch} | {point.seconds * 1e3:.1f} | {rate:.0f} | "
            f"{point.memory / MEBIBYTE:.0f} | {point.multiply_adds / 1e6:.0f} M | "
            f"{point.peak_fraction:.1%} |"
        )
    if cases > len(points):
        lines += ["", f"Left out, because they would pass the memory limit: {cases - len(points)}."]
    return "\n".join(lines)


def plot_comparison(comparisons: list[Comparison], path: Path) -> None:
    """Plot images per second of each contender as bars with the range of the rounds."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    names = list(comparisons[0].rates)
    bar = 0.8 / len(names)
    for index, (name, color) in enumerate(zip(names, COLORS, strict=True)):
        medians = [comparison.rate(name) for comparison in comparisons]
        below = [c.rate(name) - min(c.rates[name]) for c in comparisons]
        above = [max(c.rates[name]) - c.rate(name) for c in comparisons]
        places = [place + bar * index for place in range(len(comparisons))]
        axes.bar(places, medians, bar, yerr=[below, above], capsize=3, label=name, color=color)
    labels = [f"{c.case.shape}\nthreads: {c.case.threads}" for c in comparisons]
    axes.set_xticks([place + bar for place in range(len(comparisons))], labels)
    axes.set(title="training", ylabel="images/s, normals and anomalies")
    figure.legend(loc="outside right upper")
    _save(figure, path)


def plot_scaling(points: list[Point], path: Path) -> None:
    """Plot time and memory over the size of the images, one line per batch size."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    times, memory = figure.subplots(1, 2)
    sizes = sorted({point.case.size for point in points})
    for batch in sorted({point.case.batch for point in points}):
        line = sorted((p for p in points if p.case.batch == batch), key=lambda p: p.case.size)
        places = [point.case.size for point in line]
        times.plot(places, [point.seconds * 1e3 for point in line], "o-", label=f"batch {batch}")
        memory.plot(places, [point.memory / MEBIBYTE for point in line], "o-")
    times.set(title="time of a step", ylabel="ms")
    memory.set(title="memory of training", ylabel="MiB")
    for axes in (times, memory):
        axes.set(xscale="log", yscale="log", xlabel="size, pixels")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.minorticks_off()
    times.legend()
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH, format="png")
