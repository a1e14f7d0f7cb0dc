"""What a study is: variations of the configuration, and what is measured of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganad_tf.config import RunConfig
from tools.experiments.experiment import train_evaluate

if TYPE_CHECKING:
    from tools.experiments.studies.tasks import Task

Result = dict[str, Any]
Work = Callable[[RunConfig, Path, Path], Result]


@dataclass(frozen=True)
class Variation:
    """A row of the table.

    Attributes:
        label: Its first cell.
        layer: The settings that it changes, for `ganad_tf.config.make_config`.
        work: Makes its result, from a configuration, the run folder and the file to write; it
            is pickled.
    """

    label: str
    layer: dict[str, Any]
    work: Work = train_evaluate


@dataclass(frozen=True)
class Measure:
    """A figure of each row.

    Attributes:
        title: Its name, below or instead of that of the class.
        value: Takes it from a result; None where the result has none.
        form: How it is written.
        by_class: Whether each normal class has a column, or there is but one for all.
    """

    title: str
    value: Callable[[Result], float | None]
    form: str = ".4f"
    by_class: bool = True


@dataclass(frozen=True)
class Study:
    """A table.

    Attributes:
        name: Its name on the command line.
        about: What the rows are, in a sentence or two for above the table.
        variations: Returns the rows, from the name of the data set and the normal class; labels
            are the same for all classes.
        measures: What is measured.
        finish: Called when all jobs are done and nothing else runs, with the tasks and the
            folder of the table.
    """

    name: str
    about: str
    variations: Callable[[str, int], list[Variation]]
    measures: tuple[Measure, ...]
    finish: Callable[[Sequence["Task"], Path], None] | None = None


def float_auroc(result: Result) -> float:
    """Return the AUROC of the float model."""
    return result["float_auroc"]["value"]


FLOAT_AUROC = Measure("AUROC", float_auroc)
