"""The search for the weights of the generator's six losses (paper, section 3.4).

Each combination that the paper admits is a trial: a separate training, judged by its AUROC on the
validation split. The test split is not used.
"""

import dataclasses
import itertools
import logging
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from ganad_tf.config import GENERATOR_LOSSES, NORMAL_LOSSES, RunConfig, to_toml
from ganad_tf.data.depth import settle_levels
from ganad_tf.data.sources import load_splits
from ganad_tf.errors import UserError
from ganad_tf.run import RUN_FILE, Run
from ganad_tf.run.history import EPOCH, VALIDATION_AUROC
from ganad_tf.system.files import write_json, write_text
from ganad_tf.system.jobs import Countdown, Job, printing_to, run_jobs

WEIGHTS = (0.5, 1.0, 1.5)
REDUCTION = 3
KEPT_FILES = frozenset({RUN_FILE, "config.toml", "history.json"})

Combination = tuple[float, ...]
"""The weights of the six `GENERATOR_LOSSES`, in that order."""

logger = logging.getLogger(__name__)


class Mode(StrEnum):
    """The strategy of the search.

    Attributes:
        GRID: Train each combination for all epochs.
        HALVING: Train each combination for few epochs, the best third of them again for three times
            as many epochs, and so on (successive halving: Jamieson, Talwalkar, "Non-stochastic best
            arm identification and hyperparameter optimization", AISTATS 2016).
    """

    GRID = "grid"
    HALVING = "halving"


@dataclasses.dataclass(frozen=True)
class Trial:
    """A training with one combination of weights.

    Attributes:
        weights: The weights of the losses, in the order of `GENERATOR_LOSSES`.
        epochs: Number of epochs, over which the learning rate falls to 0.
        validation_auroc: AUROC on the validation split of the epoch that would be exported, the
            best or the last, see `TrainConfig.checkpoint`; None if the trial failed.
        best_epoch: Number of that epoch, from 1; None if the trial failed.
        error: The reason why the trial failed, in one line; None if it did not.
    """

    weights: Combination
    epochs: int
    validation_auroc: float | None = None
    best_epoch: int | None = None
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class Search:
    """A finished search.

    Attributes:
        config: The configuration with the best weights.
        rungs: The trials of each round, the best first and failed ones last.
    """

    config: RunConfig
    rungs: tuple[tuple[Trial, ...], ...]


def combinations() -> list[Combination]:
    """Return the combinations that the paper admits.

    These are the combinations of 0.5, 1 and 1.5 in which the sum of the four normal weights exceeds
    twice the sum of the two anomaly weights: 315, where the paper counts 314.
    """
    normal = len(NORMAL_LOSSES)
    return [
        weights
        for weights in itertools.product(WEIGHTS, repeat=len(GENERATOR_LOSSES))
        if sum(weights[:normal]) > 2 * sum(weights[normal:])
    ]


def search(
    base: RunConfig,
    folder: str | Path,
    mode: Mode = Mode.HALVING,
    engine: str = "local",
    workers: int | None = None,
    threads: int = 1,
) -> Search:
    """Search for the best weights; an interrupted search continues where it stopped.

    Each trial is a run folder `<folder>/<epochs>-epochs/<weights>`, of which only the
    configuration, `run.json` and the history are kept. Writes `best.toml`, a configuration for
    `ganad-tf train`, and `results.json`.

    Args:
        base: All other settings, with the number of epochs of a full training.
        folder: The folder of the search.
        mode: The strategy of the search.
        engine: Where the trials run, see `ganad_tf.system.jobs.run_jobs`.
        workers: Number of trials that run at once.
        threads: Number of threads per trial.

    Raises:
        UserError: If the data cannot be loaded, the folder holds trials with other settings, or
            all trials of a round fail.
    """
    base = settle_levels(base)
    load_splits(base.data, base.seed)  # Fail here rather than in hundreds of processes.
    folder = Path(folder).absolute()
    chosen, rungs = combinations(), []
    for epochs in rung_epochs(base.train.epochs, mode):
        logger.info("epochs: %d, trials: %d", epochs, len(chosen))
        jobs = [_job(_trial_config(base, weights, epochs), folder) for weights in chosen]
        rung = _run_rung(jobs, epochs, engine, workers, threads)
        rungs.append(rung)
        found = [trial for trial in rung if trial.error is None]
        if not found:
            raise UserError(f"all {len(rung)} trials failed, the first: {rung[0].error}")
        chosen = [trial.weights for trial in found[: -(-len(rung) // REDUCTION)]]
        if len(chosen) == 1:
            break
    result = Search(_trial_config(base, chosen[0], base.train.epochs), tuple(rungs))
    _write(result, folder, mode)
    return result


def rung_epochs(epochs: int, mode: Mode) -> list[int]:
    """Return the number of epochs of each round; the last round has all of them."""
    rounds = [epochs]
    while mode == Mode.HALVING and rounds[0] >= REDUCTION:
        rounds.insert(0, rounds[0] // REDUCTION)
    return rounds


def run_trial(config: RunConfig, folder: Path) -> dict[str, Any]:
    """Train a trial unless it is finished, and return its validation figures; see `Trial`.

    Raises:
        UserError: If the folder holds a run with other settings or is in use, the data cannot
            be loaded, or training diverges.
    """
    from ganad_tf.training.train import resume, train

    figures = read_trial(config, folder)
    if figures is None:
        with printing_to(_log_path(folder)):
            is_begun = (folder / RUN_FILE).is_file()
            run = resume(_open(config, folder)) if is_begun else train(config, folder)
        figures = _finish(run)
    return figures


def read_trial(config: RunConfig, folder: Path) -> dict[str, Any] | None:
    """Return the validation figures of a trial, None if it is not finished.

    Raises:
        UserError: If the folder holds a run with other settings.
    """
    if not (folder / RUN_FILE).is_file():
        return None
    run = _open(config, folder)
    return _finish(run) if len(run.read_history()) == config.train.epochs else None


def _open(config: RunConfig, folder: Path) -> Run:
    run = Run.open(folder)
    if run.config != config:
        raise UserError(f"{folder} is a trial with other settings: choose another --name")
    return run


def _log_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


def _finish(run: Run) -> dict[str, Any]:
    """Return the figures of a finished trial, and remove its checkpoints to save space."""
    _log_path(run.folder).unlink(missing_ok=True)
    for path in run.folder.iterdir():
        if path.name not in KEPT_FILES:
            path.unlink()
    chosen = run.chosen_entry()
    return {"validation_auroc": chosen[VALIDATION_AUROC], "best_epoch": chosen[EPOCH]}


def _trial_config(base: RunConfig, weights: Combination, epochs: int) -> RunConfig:
    loss = dict(zip(GENERATOR_LOSSES, weights, strict=True))
    return base.derive(loss=loss, train={"epochs": epochs})


def weights_of(config: RunConfig) -> Combination:
    """Return the weights of a configuration, in the order of `GENERATOR_LOSSES`."""
    return tuple(getattr(config.loss, name) for name in GENERATOR_LOSSES)


def _job(config: RunConfig, folder: Path) -> Job:
    name = "-".join(map(str, weights_of(config)))
    trial_folder = folder / f"{config.train.epochs}-epochs" / name
    return Job(name, run_trial, (config, trial_folder))


def _run_rung(
    jobs: Sequence[Job], epochs: int, engine: str, workers: int | None, threads: int
) -> tuple[Trial, ...]:
    weights = {job.name: weights_of(job.arguments[0]) for job in jobs}
    done = {job.name: read_trial(*job.arguments) for job in jobs}
    trials = {
        name: Trial(weights[name], epochs, **figures) for name, figures in done.items() if figures
    }
    missing = [job for job in jobs if job.name not in trials]
    countdown = Countdown(len(missing))
    for outcome in run_jobs(missing, engine, workers, threads):
        figures = {"error": outcome.error} if outcome.error else outcome.result
        trial = Trial(weights[outcome.name], epochs, **figures)
        trials[outcome.name] = trial
        what = trial.error or f"validation AUROC {trial.validation_auroc:.4f}"
        logger.info("%s", countdown.line(f"{outcome.name}: {what}"))
    # Sorting is stable: trials with equal AUROCs keep the order of the combinations, whichever
    # finished first.
    ordered = [trials[job.name] for job in jobs]
    return tuple(sorted(ordered, key=lambda trial: -(trial.validation_auroc or -1.0)))


def _write(result: Search, folder: Path, mode: Mode) -> None:
    write_text(folder / "best.toml", to_toml(result.config))
    content = {
        "mode": mode.value,
        "losses": GENERATOR_LOSSES,
        "best": weights_of(result.config),
        "rungs": [[dataclasses.asdict(trial) for trial in rung] for rung in result.rungs],
    }
    write_json(folder / "results.json", content)
