"""The studies: what each part of the method is worth, and what it takes.

Rows are variations of the method, columns are normal classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ganad_tf.config import GENERATOR_LOSSES, WIDTH_PRESETS, RunConfig, make_config
from tools.experiments.baselines.run import METHODS, run_baseline
from tools.experiments.classes import class_label, class_names
from tools.experiments.detector import train_evaluate, train_evaluate_verify
from tools.experiments.latency import LATENCY_KEY, measure_latency
from tools.experiments.markdown import row_average, study_page
from tools.experiments.plots import Choice, plot_choices
from tools.experiments.table import (
    FLOAT_AUROC,
    INT8_AUROC,
    Cell,
    Filled,
    Measure,
    Result,
    Table,
    Work,
)

BALANCED = "balanced"
FEW = (1000, 100, 10)
SAMPLINGS = {"kmeans": "k-means", "random": "random"}


@dataclass(frozen=True)
class Variation:
    """A row of a study.

    Attributes:
        label: Label of the row.
        layer: The settings that it changes, for `ganad_tf.config.make_config`.
        work: Makes its results.
    """

    label: str
    layer: dict[str, Any]
    work: Work = train_evaluate


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        name: Name on the command line.
        question: What it answers, for the help of the command line.
        about: What the rows are, in a sentence or two for above the table.
        variations: Returns the rows, from the name of the data set and the normal class; labels
            are the same for all classes.
        measures: What the table shows of each result.
        plot: See `Table`.
        finish: See `Table`.
    """

    name: str
    question: str
    about: str
    variations: Callable[[str, int], list[Variation]]
    measures: tuple[Measure, ...] = (FLOAT_AUROC,)
    plot: Callable[[Filled, Path], None] | None = None
    finish: Callable[[Filled, Path], dict[str, Result]] | None = None

    def table(
        self, settings: dict[str, Any], classes: Sequence[int], seeds: int, command: str
    ) -> Table:
        """Return the table of a data set.

        Args:
            settings: Settings of all cells, for `ganad_tf.config.make_config`.
            classes: Classes that are normal, each in turn.
            seeds: Number of seeds of each variation and class, from 0.
            command: The command that makes the table.
        """
        dataset = settings["data"]["dataset"]
        by_class = [self.variations(dataset, normal_class) for normal_class in classes]
        # Seed by seed, so that all rows have a first result soon.
        cells = tuple(
            Cell(
                variation.label,
                make_config(
                    settings,
                    variation.layer,
                    {"data": {"normal_class": normal_class}, "seed": seed},
                ),
                variation.work,
                class_label(dataset, normal_class),
            )
            for seed in range(seeds)
            for row in zip(*by_class, strict=True)
            for normal_class, variation in zip(classes, row, strict=True)
        )
        page = partial(study_page, name=self.name, about=self.about, measures=self.measures)
        return Table(command, cells, page, self.plot, self.finish)


def ablation(_dataset: str, _normal_class: int) -> list[Variation]:
    """Return the full method, and the method without each of its parts."""
    return [
        Variation("full", {}),
        *(
            Variation(f"without {name.replace('_', ' ')}", {"loss": {name: 0}})
            for name in GENERATOR_LOSSES
        ),
        Variation(
            "without both adversarial", {"loss": {"adversarial": 0, "anomaly_adversarial": 0}}
        ),
        Variation("one discriminator", {"loss": {"discriminators": 1}}),
        Variation("random regime", {"loss": {"regime": "random"}}),
    ]


def baselines(_dataset: str, _normal_class: int) -> list[Variation]:
    """Return our method and each baseline."""
    return [Variation("ganad-tf", {}), *(Variation(name, {}, baseline(name)) for name in METHODS)]


def baseline(method: str) -> Work:
    """Return the work that trains and measures one of `METHODS`; it makes no run folder."""
    return partial(_run_baseline, method)


def _run_baseline(method: str, config: RunConfig, _folder: Path) -> Result:
    return run_baseline(method, config)


def imbalance(dataset: str, _normal_class: int) -> list[Variation]:
    """Return all anomalies where that is the default, fewer with either sampling, and none."""
    default = make_config({"data": {"dataset": dataset}}).data.anomalies
    full = [] if default == BALANCED else [Variation(f"{default}, all", {})]
    counts = {"as many as normal": BALANCED, **{str(n): n for n in FEW}}
    sampled = [
        Variation(f"{label}, {name}", {"data": {"anomalies": count, "sampling": sampling}})
        for label, count in counts.items()
        for sampling, name in SAMPLINGS.items()
    ]
    without = {"data": {"anomalies": 0}, "loss": {"abc": 0, "anomaly_adversarial": 0}}
    return [*full, *sampled, Variation("none", without)]


def unseen(dataset: str, normal_class: int) -> list[Variation]:
    """Return what is held out of training, for our method and for the classifier."""
    methods = {"": train_evaluate, "classifier, ": baseline("classifier")}
    return [
        Variation(f"{method}{label}", {"data": {"unseen_kinds": kinds}}, work)
        for label, kinds in held_out(dataset, normal_class).items()
        for method, work in methods.items()
    ]


def held_out(dataset: str, normal_class: int) -> dict[str, list[str]]:
    """Return the names of the kinds that are held out of training, by the label of the row."""
    names = class_names(dataset)
    others = [name for name in names if name != names[normal_class]]
    following = names[(normal_class + 1) % len(names)]
    return {
        "all seen": [],
        "odd held out": others[1::2],
        "even held out": others[0::2],
        "all but one held out": [name for name in others if name != following],
    }


def seen_auroc(result: Result) -> float:
    """Return the AUROC on the kinds that training showed."""
    estimate = result["evaluation"]["seen_auroc"] or result["float_auroc"]
    return estimate["value"]


def unseen_auroc(result: Result) -> float | None:
    """Return the AUROC on the kinds that were held out, None where there are none."""
    estimate = result["evaluation"]["unseen_auroc"]
    return None if estimate is None else estimate["value"]


def widths(_dataset: str, _normal_class: int) -> list[Variation]:
    """Return the presets of `--width`."""
    return [
        Variation(f"{name} ({width})", {"train": {"width": width}}, train_evaluate_verify)
        for name, width in WIDTH_PRESETS.items()
    ]


INT8 = Measure("int8", INT8_AUROC.value)
BYTES = Measure("int8 bytes", lambda result: result["int8_bytes"], ",.0f", by_column=False)
LATENCY = Measure("µs per image", lambda r: r.get(LATENCY_KEY), ".0f", by_column=False)


def plot_widths(filled: Filled, folder: Path) -> None:
    """Plot AUROC against time of the widths that have both, in all classes."""
    choices = []
    for label in filled.labels:
        latency, auroc, size = (row_average(filled, label, m) for m in (LATENCY, INT8, BYTES))
        if latency is not None and auroc is not None and size is not None:
            choices.append(Choice(label, latency, auroc, size))
    if choices:
        dataset = filled.table.cells[0].config.data.dataset
        plot_choices(choices, f"{dataset}: presets of --width", folder / "pareto.png")


STUDIES = (
    Study(
        "ablation",
        "What each part of the method is worth: the AUROC without it, after as many steps.",
        "A loss that is off has weight 0, and its discriminator is not trained; the other weights "
        "stay. One discriminator judges normal images and anomalies. The random regime applies "
        "one of the two groups of losses in each step instead of both.",
        ablation,
    ),
    Study(
        "baselines",
        "What other methods reach on the same splits, with as many steps.",
        "The autoencoder is the generator with the mean absolute error on normal images alone, "
        "with its skip connections or without. GANomaly, on normal images alone, too, has its own "
        "losses, network and score. The classifier is the generator's encoder with a logistic "
        "head, on normal images and anomalies.",
        baselines,
    ),
    Study(
        "imbalance",
        "How the AUROC falls with the number of labelled anomalies, and what sampling is worth.",
        "Labelled anomalies to train on, and how they are sampled: the same number of each kind, "
        "spread by k-means, or at random. Where there are few, they are repeated, so that the "
        "number of steps is the same. Without any, the two losses of anomalies are off. The epoch "
        "is chosen on the same validation split in all rows, which keeps its anomalies.",
        imbalance,
    ),
    Study(
        "unseen",
        "How well kinds of anomalies are found that training never showed.",
        "Some kinds of anomalies are held out of train and validation, and tested apart from the "
        "seen ones. The other classes are counted in their order from 0, without the normal one; "
        "where only one is seen, it is the class that follows the normal one. The classifier is "
        "the generator's encoder with a logistic head, on the same images.",
        unseen,
        (Measure("seen", seen_auroc), Measure("unseen", unseen_auroc)),
    ),
    Study(
        "widths",
        "What a wider network gains, and what it costs on the station.",
        "Channels of the first layer, in all networks. int8 is the file for the CPU, verified on "
        "the whole test split. Its time is that from pixels to score on one thread: the median of "
        "many runs, in turns with the others while nothing else runs.",
        widths,
        (Measure("float", FLOAT_AUROC.value), INT8, BYTES, LATENCY),
        plot_widths,
        measure_latency,
    ),
)
