"""How well kinds of anomalies are found that training never showed, beside a classifier."""

from tools.experiments.classes import class_names
from tools.experiments.experiment import train_evaluate
from tools.experiments.studies.baselines import baseline
from tools.experiments.studies.study import Measure, Result, Study, Variation

METHODS = {"": train_evaluate, "classifier, ": baseline("classifier")}


def variations(dataset: str, normal_class: int) -> list[Variation]:
    """Return what is held out of training, each for our method and for the classifier."""
    return [
        Variation(f"{method}{label}", {"data": {"unseen_kinds": unseen}}, work)
        for label, unseen in held_out(dataset, normal_class).items()
        for method, work in METHODS.items()
    ]


def held_out(dataset: str, normal_class: int) -> dict[str, list[str]]:
    """Return the names of the kinds that are held out, by label.

    Args:
        dataset: Name of the data set.
        normal_class: The class that is normal.
    """
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


UNSEEN = Study(
    "unseen",
    "Kinds of anomalies that are held out of train and validation, and tested apart from the "
    "seen ones. The other classes are counted in their order from 0, the normal one left out; "
    "the one that is seen alone is the class that follows the normal one. The classifier is "
    "the generator's encoder with a logistic head, on the same images.",
    variations,
    (Measure("seen", seen_auroc), Measure("unseen", unseen_auroc)),
)
