"""What a report shows about the exported files of a run."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganad_station.choice import open_model
from ganad_station.errors import StationError
from ganad_station.fields import INFINITY, Fields
from ganad_station.score import ScoreRule
from ganad_station.verification import LARGEST_COUNT, OUTCOMES, Outcome
from ganad_tf.errors import station_errors_as_user_errors
from ganad_tf.evaluation.intervals import Estimate
from ganad_tf.exporting.verify import EVIDENCE_FOLDER
from ganad_tf.run import Run

TIMED, WARM_UP = 30, 5
BY_AUROC_ALONE = "by the AUROC alone, as earlier versions did; verify it again"


@dataclass(frozen=True)
class ExportedFile:
    """An exported file and what its verification proved.

    Attributes:
        name: Name of the bundle and of the file, `<bundle>/<file>`.
        outcome: The worst outcome of its runtimes.
        reason: What restricts the outcome, in words; empty if nothing does.
        auroc: AUROC of the file.
        difference: That AUROC minus that of the float model.
        images: Number of test images.
        flipped_to_reject: Number of images that only the file rejects, under the runtime where
            most decisions differ from those of the float model.
        flipped_to_accept: Number of images that only the float model rejects, likewise.
        bytes: Size of the file.
        milliseconds: Median time from pixels to score on one thread of this machine, None if it has
            no runtime for the file.
    """

    name: str
    outcome: Outcome
    reason: str
    auroc: float
    difference: Estimate
    images: int
    flipped_to_reject: int
    flipped_to_accept: int
    bytes: int
    milliseconds: float | None

    @property
    def agreeing(self) -> int:
        """Number of test images on which the file decides as the float model does."""
        return self.images - self.flipped_to_reject - self.flipped_to_accept

    @property
    def is_verified(self) -> bool:
        """Whether the file decides like the float model under each runtime."""
        return self.outcome is Outcome.VERIFIED


def exported_files(run: Run, images: NDArray[np.uint8]) -> list[ExportedFile]:
    """Return the verified files of all bundles of a run, with their time per image.

    Args:
        run: The run that the bundles were exported from.
        images: uint8 `(count, height, width, channels)`, the images to measure the time with.

    Raises:
        UserError: If what a verification wrote is damaged.
    """
    rule = run.config.score.rule
    found = []
    for evidence in sorted(run.folder.glob(f"bundles/[!.]*/{EVIDENCE_FOLDER}/*.json")):
        model_path = evidence.parents[1] / evidence.stem
        milliseconds = _milliseconds(model_path, images, rule)
        with station_errors_as_user_errors():
            found.append(_read(evidence, model_path, milliseconds))
    return found


def describe_outcomes(files: Sequence[ExportedFile]) -> list[tuple[str, Outcome]]:
    """Say how the files decide compared with the float model, for people who know no statistics.

    Returns:
        One sentence for all files that have the same outcome for the same reason, with the outcome.
    """
    groups: dict[tuple[Outcome, str], list[ExportedFile]] = {}
    for file in files:
        groups.setdefault((file.outcome, file.reason), []).append(file)
    return [(_sentence(group, len(groups) == 1), group[0].outcome) for group in groups.values()]


def _sentence(files: Sequence[ExportedFile], are_all: bool) -> str:
    """Describe files of one outcome and reason, with the count of that which agrees least."""
    least = min(files, key=lambda file: file.agreeing)
    at_least = "" if all(file.agreeing == least.agreeing for file in files) else "at least "
    if len(files) == 1:
        subject = f"The file {least.name} decides as the model it came from"
    elif are_all:
        subject = f"All {len(files)} exported files decide as the model they came from"
    else:
        names = ", ".join(file.name for file in files[:-1])
        subject = f"The files {names} and {files[-1].name} decide as the model they came from"
    reason = f" ({least.reason})" if least.reason else ""
    return (
        f"{subject} in {at_least}{least.agreeing:,} of {least.images:,} test pictures: "
        f"{least.outcome.value}{reason}."
    )


def _read(evidence: Path, model_path: Path, milliseconds: float | None) -> ExportedFile:
    """Read the figures that `verify` wrote, also those of version 0.1.0, which had no outcomes."""
    fields = Fields.read(evidence, f"ganad-tf verify {model_path}")
    is_verified = fields.flag("is_verified")
    outcome = fields.choice("outcome", OUTCOMES, OUTCOMES[0 if is_verified else -1])
    reason = fields.text("reason", BY_AUROC_ALONE)
    to_reject, to_accept = max((_flips(found) for found in _runtimes(fields)), key=sum)
    difference = fields.fields("difference")
    return ExportedFile(
        f"{model_path.parent.name}/{model_path.name}",
        Outcome(outcome),
        reason,
        fields.number("exported_auroc", 0, 1),
        Estimate(
            *(difference.number(end, -INFINITY, INFINITY) for end in ("value", "low", "high"))
        ),
        fields.integer("images", 1, LARGEST_COUNT),
        to_reject,
        to_accept,
        fields.integer("exported_bytes", 0, LARGEST_COUNT),
        milliseconds,
    )


def _runtimes(fields: Fields) -> list[Fields]:
    """Return the figures under each runtime, or the only ones there are."""
    runtimes = fields.optional_fields("runtimes")
    return [fields] if runtimes is None else [runtimes.fields(name) for name in runtimes.names]


def _flips(fields: Fields) -> tuple[int, int]:
    to_reject, to_accept = (
        fields.integer(name, 0, LARGEST_COUNT)
        for name in ("flipped_to_reject", "flipped_to_accept")
    )
    return to_reject, to_accept


def _milliseconds(path: Path, images: NDArray[np.uint8], rule: ScoreRule) -> float | None:
    try:
        model = open_model(path, threads=1)
    except (StationError, ImportError, ValueError, RuntimeError):
        return None
    times = []
    for number in range(WARM_UP + TIMED):
        image = images[number % len(images)][np.newaxis]
        start = time.perf_counter()
        model.score(image, rule)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[WARM_UP:])
