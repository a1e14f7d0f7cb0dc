"""What others report: mean one-vs-rest AUROC over the ten classes, as published."""

from dataclasses import dataclass

PAPER = "the paper"


@dataclass(frozen=True)
class Reference:
    """The figures of a method.

    Attributes:
        method: Name of the method in tables.
        averages: Mean AUROC over the classes of a data set, by its name.
        supervision: What it learns from besides normal images.
        unconfirmed: Data sets whose figure is recalled, not read.
    """

    method: str
    averages: dict[str, float]
    supervision: str
    unconfirmed: tuple[str, ...] = ()


REFERENCES = (
    Reference(
        PAPER,
        {"mnist": 0.997, "fashion-mnist": 0.986, "cifar10": 0.906},
        "labelled anomalies of the other classes",
        unconfirmed=("cifar10",),
    ),
    Reference("ARNet", {"mnist": 0.983, "fashion-mnist": 0.939, "cifar10": 0.866}, "no anomalies"),
    Reference(
        "GeoTrans", {"mnist": 0.980, "fashion-mnist": 0.935, "cifar10": 0.860}, "no anomalies"
    ),
    Reference(
        "ESAD, 20 % labelled",
        {"mnist": 0.996, "fashion-mnist": 0.959, "cifar10": 0.885},
        "anomalies of one class",
    ),
    Reference("HSC", {"cifar10": 0.96}, "outlier exposure, large network"),
    Reference("PANDA-OE", {"cifar10": 0.989}, "outlier exposure, pretrained network"),
)


def averages_on(dataset: str) -> dict[str, float]:
    """Return the averages on a data set, by what to call them in a table."""
    averages = {}
    for reference in REFERENCES:
        if dataset in reference.averages:
            mark = " (recalled, unconfirmed)" if dataset in reference.unconfirmed else ""
            label = f"{reference.method}: {reference.supervision}{mark}"
            averages[label] = reference.averages[dataset]
    return averages


def paper_average(dataset: str) -> float | None:
    """Return the paper's average on a data set, None where it has none."""
    (paper,) = (reference for reference in REFERENCES if reference.method == PAPER)
    return paper.averages.get(dataset)
