"""Gathers what a report shows and writes it."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from ganad_station.printing import printable
from ganad_station.score import ScoreRule
from ganad_tf import __version__
from ganad_tf.config import to_toml
from ganad_tf.data.splits import Split
from ganad_tf.evaluation.evaluate import first_of_parts
from ganad_tf.evaluation.scoring import map_errors, score_images
from ganad_tf.models.checkpoints import load_generator
from ganad_tf.report import figures
from ganad_tf.report.exports import exported_files
from ganad_tf.run import Run
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import write_text

REPORT_FILE = "report.html"
TEMPLATE = "template.html"
MOST_CASES = 8


@dataclass(frozen=True)
class Cases:
    """Pictures to look at.

    Attributes:
        title: What they are.
        about: A sentence on them.
        picture: The sheet as a data URI, None if there are no such pictures.
    """

    title: str
    about: str
    picture: str | None


def write_report(run: Run) -> Path:
    """Write the report of an evaluated run, one HTML file that loads nothing.

    Args:
        run: The run; of its bundles, those that are verified are in the report, too.

    Returns:
        The file.

    Raises:
        UserError: If the run is not evaluated, or its data have changed.
    """
    metrics, _ = run.read_metrics(), run.threshold
    prepare_execution(run.config.seed, run.config.data.trained_size)
    test, rule = run.splits.test, run.config.score.rule
    generator = load_generator(run.generator_path)
    scores = score_images(generator, test.data.images, rule)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    source = resources.files("ganad_tf.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    text = environment.from_string(source).render(
        name=run.folder.name,
        created=run.identity.created[:19].replace("T", " "),
        version=__version__,
        metrics=metrics,
        splits=run.identity.splits,
        kinds=_kinds(test, scores, metrics),
        confusion=_confusion(test.is_anomaly, scores > metrics["threshold"]),
        curves=figures.curves(test.is_anomaly, scores),
        histograms=figures.histograms(_scores_by_kind(test, scores), metrics["threshold"]),
        cases=_cases(test, scores, metrics["threshold"], generator, rule),
        files=exported_files(run, test.data.images[:MOST_CASES], rule),
        config=to_toml(run.config.portable()),
    )
    path = run.folder / REPORT_FILE
    write_text(path, text)
    return path


def _scores_by_kind(test: Split, scores: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    present = np.unique(test.data.kinds).tolist()
    order = sorted(present, key=lambda kind: kind != test.normal_kind)
    return {test.data.kind_names[kind]: scores[test.data.kinds == kind] for kind in order}


def _kinds(
    test: Split, scores: NDArray[np.float64], metrics: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return a row for each kind of anomaly, the worst first."""
    by_kind = _scores_by_kind(test, scores)
    rows = [
        {
            "name": name,
            "auroc": estimate,
            "count": len(by_kind[name]),
            "found": int((by_kind[name] > metrics["threshold"]).sum()),
        }
        for name, estimate in metrics["auroc_by_kind"].items()
    ]
    return sorted(rows, key=lambda row: row["auroc"]["value"])


def _confusion(
    is_anomaly: NDArray[np.bool_], is_rejected: NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    return {
        side: {"OK": int((members & ~is_rejected).sum()), "NG": int((members & is_rejected).sum())}
        for side, members in (("good", ~is_anomaly), ("defective", is_anomaly))
    }


def _cases(
    test: Split,
    scores: NDArray[np.float64],
    threshold: float,
    generator: Any,
    rule: ScoreRule,
) -> list[Cases]:
    order = np.argsort(scores, kind="stable")
    is_anomaly, is_rejected = test.is_anomaly[order], scores[order] > threshold
    missed = order[is_anomaly & ~is_rejected]
    rejected, found = (order[side & is_rejected][::-1] for side in (~is_anomaly, is_anomaly))
    groups = (
        ("Worst misses", "Defective parts that pass, the least suspicious first.", missed),
        (
            "Worst false rejects",
            "Good parts that are rejected, the most suspicious first.",
            rejected,
        ),
        ("Found", "Defective parts that are rejected, the most suspicious first.", found),
    )
    return [
        Cases(title, about, _sheet(test, scores, indices, generator, rule))
        for title, about, indices in groups
    ]


def _sheet(
    test: Split,
    scores: NDArray[np.float64],
    indices: NDArray[np.int64],
    generator: Any,
    rule: ScoreRule,
) -> str | None:
    """Draw pictures, the first of each part, at most `MOST_CASES`; None where there are none."""
    if not len(indices):
        return None
    indices = first_of_parts(indices, test.data.groups)[:MOST_CASES]
    data = test.data.take(indices)
    titles = [
        printable(f"{data.kind_names[kind]}, {score:.4f}: {name}")
        for kind, name, score in zip(data.kinds, data.names, scores[indices], strict=True)
    ]
    return figures.cases(data.images, map_errors(generator, data.images, rule), data.masks, titles)
