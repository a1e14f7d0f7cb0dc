"""Collecting what a report shows, and writing it."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from ganad_station.printing import printable
from ganad_station.threshold import describe_promise, is_rejected, percent
from ganad_tf import __version__
from ganad_tf.config import to_toml
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.evaluation.examples import first_of_parts
from ganad_tf.evaluation.frames import frames_of
from ganad_tf.evaluation.intervals import Estimate, proportion
from ganad_tf.evaluation.measure import FALSE_REJECT_RATES, Evaluation, read_evaluation
from ganad_tf.evaluation.plots import LEAST_ERROR
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.evaluation.words import describe_unresolved, describe_verdict, parts_to_resolve
from ganad_tf.report import figures
from ganad_tf.report.exports import describe_outcomes, exported_files
from ganad_tf.run import Run
from ganad_tf.system.execution import prepare_execution
from ganad_tf.system.files import write_text

REPORT_FILE = "report.html"
TEMPLATE = "template.html"
MOST_CASES = 8


@dataclass(frozen=True)
class Cases:
    """Examples of one kind of decision.

    Attributes:
        title: Heading above the examples.
        about: A sentence that describes them.
        picture: The sheet with the examples as a data URI, None if there are none.
    """

    title: str
    about: str
    picture: str | None


def write_report(run: Run) -> Path:
    """Write the report of an evaluated run, one HTML file that loads nothing.

    Args:
        run: The run. Those of its exported files that have been verified are in the report, too.

    Returns:
        Path of the file.

    Raises:
        UserError: If the run is not evaluated, its evaluation or the verification of a file is
            damaged, or its data have changed.
    """
    evaluation, threshold = read_evaluation(run), run.threshold
    prepare_execution(run.config.seed, run.config.data.trained_size)
    test, scorer = run.splits.test, Scorer.of(run)
    scored = ScoredSplit.of(test, scorer.scores(test.data.images, test.data.boxes))
    rejected = is_rejected(scored.scores, threshold.value)
    files = exported_files(run, test.data.images[:MOST_CASES])
    cases, largest_error = _cases(test.data, scored, rejected, scorer)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    source = resources.files("ganad_tf.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    text = environment.from_string(source).render(
        name=run.folder.name,
        created=run.identity.created[:19].replace("T", " "),
        version=__version__,
        metrics=evaluation,
        verdict=_verdict(scored, rejected, evaluation),
        outcomes=describe_outcomes(files),
        recalls=_recalls(scored, evaluation),
        threshold=threshold,
        promise=describe_promise(threshold),
        splits=run.identity.splits,
        kinds=_kinds(scored, rejected, evaluation),
        confusion=_confusion(scored.is_anomaly, rejected),
        curves=figures.curves(scored),
        histograms=figures.histograms(_scores_by_kind(scored), threshold.value),
        cases=cases,
        largest_error=largest_error,
        files=files,
        config=to_toml(run.config.portable()),
    )
    path = run.folder / REPORT_FILE
    write_text(path, text)
    return path


def _verdict(scored: ScoredSplit, rejected: NDArray[np.bool_], evaluation: Evaluation) -> str:
    """Say what is found and rejected at the threshold in force, which may be a calibrated one."""
    misses, false_rejects = (
        proportion(wrong[members], scored.parts[members])
        for wrong, members in ((~rejected, scored.is_anomaly), (rejected, ~scored.is_anomaly))
    )
    return describe_verdict(evaluation.auroc, misses, false_rejects)


def _recalls(scored: ScoredSplit, evaluation: Evaluation) -> dict[str, Estimate | str]:
    """Return the fraction that is found at each false-reject rate, or why it is not known."""
    good_parts, _ = scored.parts_by_class
    recalls: dict[str, Estimate | str] = {}
    for rate in FALSE_REJECT_RATES:
        if good_parts < parts_to_resolve(rate):
            recalls[percent(rate)] = describe_unresolved(rate, good_parts)
        else:
            recalls[percent(rate)] = evaluation.recall_at.get(f"{rate:g}", "evaluate again")
    return recalls


def _scores_by_kind(scored: ScoredSplit) -> dict[str, NDArray[np.float64]]:
    """Return the scores of each kind by its name, the normal kind first."""
    (normal,) = np.unique(scored.kinds[~scored.is_anomaly])
    order = sorted(np.unique(scored.kinds).tolist(), key=lambda kind: kind != normal)
    return {scored.kind_names[kind]: scored.scores[scored.kinds == kind] for kind in order}


def _kinds(
    scored: ScoredSplit, rejected: NDArray[np.bool_], evaluation: Evaluation
) -> list[dict[str, Any]]:
    """Return a row for each kind of anomaly, the worst first."""
    kinds = np.array(scored.kind_names)[scored.kinds]
    return [
        {
            "name": name,
            "auroc": estimate,
            "count": int((kinds == name).sum()),
            "found": int((rejected & (kinds == name)).sum()),
        }
        for name, estimate in evaluation.worst_kinds_first
    ]


def _confusion(
    is_anomaly: NDArray[np.bool_], rejected: NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    return {
        label: {"OK": int((members & ~rejected).sum()), "NG": int((members & rejected).sum())}
        for label, members in (("good", ~is_anomaly), ("defective", is_anomaly))
    }


def _cases(
    data: LabeledImages, scored: ScoredSplit, rejected: NDArray[np.bool_], scorer: Scorer
) -> tuple[list[Cases], float]:
    """Draw the examples of each kind of decision, and return them with the end of their scale.

    Only the first images of different parts are shown, at most `MOST_CASES` of each kind.
    """
    order = np.argsort(scored.scores, kind="stable")
    is_anomaly, is_ng = scored.is_anomaly[order], rejected[order]
    groups = (
        (
            "Worst misses",
            "Defective parts that are accepted, those with the lowest scores first.",
            order[is_anomaly & ~is_ng],
        ),
        (
            "Worst false rejects",
            "Good parts that are rejected, those with the highest scores first.",
            order[~is_anomaly & is_ng][::-1],
        ),
        (
            "Found",
            "Defective parts that are rejected, those with the highest scores first.",
            order[is_anomaly & is_ng][::-1],
        ),
    )
    chosen = [first_of_parts(indices, scored.parts)[:MOST_CASES] for _, _, indices in groups]
    maps = [scorer.error_maps(data.images[indices]) if len(indices) else None for indices in chosen]
    largest = max([LEAST_ERROR, *(float(found.max()) for found in maps if found is not None)])
    cases = []
    for (title, about, _), indices, errors in zip(groups, chosen, maps, strict=True):
        picture = None if errors is None else _sheet(data, scored, indices, errors, largest)
        cases.append(Cases(title, about, picture))
    return cases, largest


def _sheet(
    data: LabeledImages,
    scored: ScoredSplit,
    indices: NDArray[np.int64],
    errors: NDArray[np.float32],
    largest_error: float,
) -> str:
    shown, every = data.take(indices), frames_of(data)
    frames = [every[index] for index in indices.tolist()]
    titles = [
        printable(f"{shown.kind_names[kind]}, {score:.4f}: {name}")
        for kind, name, score in zip(shown.kinds, shown.names, scored.scores[indices], strict=True)
    ]
    return figures.cases(shown.images, errors, largest_error, shown.masks, frames, titles)
