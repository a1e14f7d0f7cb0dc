"""What a wider network gains, and what it costs on the station: the presets of `--width`."""

from collections.abc import Sequence
from pathlib import Path

from ganad_tf.config import WIDTH_PRESETS
from tools.experiments.experiment import train_evaluate_verify
from tools.experiments.studies.latency import measure_latency
from tools.experiments.studies.pareto import Choice, plot_choices
from tools.experiments.studies.study import Measure, Study, Variation, float_auroc
from tools.experiments.studies.table import tabulate
from tools.experiments.studies.tasks import Task

INT8, BYTES, LATENCY = "int8", "int8 bytes", "µs an image"
LATENCY_KEY = "latency_us"


def variations(_dataset: str, _normal_class: int) -> list[Variation]:
    """Return the presets."""
    return [
        Variation(f"{name} ({width})", {"train": {"width": width}}, train_evaluate_verify)
        for name, width in WIDTH_PRESETS.items()
    ]


def finish(tasks: Sequence[Task], folder: Path) -> None:
    """Measure the latency of each width, unless it is known, and draw the plot."""
    # The time depends on the shape alone, so that one class and seed stands for all.
    measure_latency([task for task in tasks if _is_first(task, tasks)], LATENCY_KEY)
    choices = []
    for label, row in tabulate(WIDTHS, tasks).items():
        latency, auroc, size = (row[title].average for title in (LATENCY, INT8, BYTES))
        if latency is not None and auroc is not None and size is not None:
            choices.append(Choice(label, latency, auroc, size))
    if choices:
        dataset = tasks[0].config.data.dataset
        plot_choices(choices, f"{dataset}: presets of --width", folder / "pareto.png")


def _is_first(task: Task, tasks: Sequence[Task]) -> bool:
    first = tasks[0]
    return (task.normal_class, task.config.seed) == (first.normal_class, first.config.seed)


WIDTHS = Study(
    "widths",
    "Maps of the first layer, in all networks. int8 is the file for the CPU, verified on the whole "
    "test split; its time is that from pixels to score on one thread, the median of many runs "
    "in turns with the others while nothing else runs.",
    variations,
    (
        Measure("float", float_auroc),
        Measure(INT8, lambda result: result["int8_auroc"]),
        Measure(BYTES, lambda result: result["int8_bytes"], ",.0f", by_class=False),
        Measure(LATENCY, lambda result: result.get(LATENCY_KEY), ".0f", by_class=False),
    ),
    finish,
)
