"""A run folder: its files, its data, and its threshold."""

import fcntl
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganad_station.appearance import Appearance
from ganad_station.calibration import CALIBRATE_AGAIN, CALIBRATION_FILE, Calibration
from ganad_station.fields import LARGEST_NUMBER, Fields
from ganad_station.threshold import ORDER_STATISTIC, TOLERANCE_BOUND, Threshold
from ganad_tf.config import RunConfig, read_config, recorded_config
from ganad_tf.data.sources import load_splits
from ganad_tf.data.splits import Splits
from ganad_tf.errors import UserError, station_errors_as_user_errors
from ganad_tf.run.files import RUN_FILE, read_recorded_appearance, write_new_folder
from ganad_tf.run.history import Entry, best_epoch, read_history, validation_aurocs
from ganad_tf.run.identity import Identity, read_identity, record_splits

DEFAULT_RUNS = Path("runs")
LOCK_FILE = ".lock"
VALIDATION_PICTURES = "the good pictures of validation, float model"
MOST_PARTS = 2**63

logger = logging.getLogger(__name__)


@dataclass
class Run:
    """A run folder.

    Attributes:
        folder: Path of the folder.
        config: The configuration that the run was made with.
        identity: The content of its `run.json`.
    """

    folder: Path
    config: RunConfig
    identity: Identity

    @property
    def history_path(self) -> Path:
        """JSON file with the losses and validation figures of each epoch."""
        return self.folder / "history.json"

    @property
    def last_path(self) -> Path:
        """Checkpoint of the last finished epoch: networks, optimizer and moving average."""
        return self.folder / "last.keras"

    @property
    def best_path(self) -> Path:
        """Checkpoint of the epoch with the best validation AUROC."""
        return self.folder / "best.keras"

    @property
    def chosen_path(self) -> Path:
        """Checkpoint that is evaluated and exported, the best or the last as configured."""
        return self.best_path if self.config.train.checkpoint == "best" else self.last_path

    @property
    def generator_path(self) -> Path:
        """The generator that is evaluated and exported; written when training is complete."""
        return self.folder / "generator.keras"

    @property
    def metrics_path(self) -> Path:
        """JSON file with the figures on the test split; written by `evaluate`."""
        return self.folder / "metrics.json"

    @cached_property
    def appearance(self) -> Appearance | None:
        """What the good training pictures look like; None for runs that did not record it.

        Raises:
            UserError: If the file is damaged.
        """
        return read_recorded_appearance(self.folder)

    @property
    def is_trained(self) -> bool:
        """Whether training is complete."""
        return self.generator_path.is_file()

    @property
    def calibration_path(self) -> Path:
        """JSON file with the threshold that `calibrate` set; it replaces that of `evaluate`."""
        return self.folder / CALIBRATION_FILE

    @property
    def is_calibrated(self) -> bool:
        """Whether the run has a calibration."""
        return self.calibration_path.is_file()

    @property
    def is_evaluated(self) -> bool:
        """Whether training and evaluation are complete."""
        return self.is_trained and self.metrics_path.is_file()

    @cached_property
    def splits(self) -> Splits:
        """The images of the run, split as recorded; loaded on first use.

        Raises:
            UserError: If the data cannot be loaded or have changed since the run was made.
        """
        splits = load_splits(self.config.data, self.config.seed)
        for name, found in record_splits(splits).items():
            if found != self.identity.splits[name]:
                raise UserError(
                    f"the {name} split is not the one that {self.folder} was trained with: "
                    "the data files have changed; restore them or train again"
                )
        return splits

    @property
    def threshold(self) -> Threshold:
        """The threshold in force: that of the last calibration, or else of the evaluation.

        Raises:
            UserError: If training is not complete, the run is neither calibrated nor evaluated, or
                the calibration or the evaluation is damaged or of another generator.
        """
        self.require_trained()
        with station_errors_as_user_errors():
            calibration = Calibration.read(self.folder)
        if calibration is None:
            return self.evaluated_threshold
        if calibration.model != self.generator_path.name:
            raise UserError(
                f"{self.calibration_path} is of {calibration.model}, not of "
                f"{self.generator_path.name}: {CALIBRATE_AGAIN}"
            )
        return calibration.to_threshold()

    @property
    def evaluated_threshold(self) -> Threshold:
        """The threshold that `evaluate` set on the validation split.

        Raises:
            UserError: If the run is not evaluated, or the evaluation is damaged.
        """
        with station_errors_as_user_errors():
            metrics = self.read_metrics()
            value = metrics.number("threshold", 0, LARGEST_NUMBER)
            requested = metrics.number("requested_false_reject_rate", 0, 1)
            if "confidence" not in metrics:
                normals = self.identity.splits["validation"].normal
                pictures = f"{normals} normal images of the validation split, float model"
                return Threshold(value, requested, ORDER_STATISTIC, pictures)
            return Threshold(
                value,
                metrics.number("promised_false_reject_rate", 0, 1),
                TOLERANCE_BOUND,
                VALIDATION_PICTURES,
                metrics.number("confidence", 0, 1),
                metrics.integer("good_parts", 1, MOST_PARTS),
                requested,
            )

    @classmethod
    def draft(
        cls, folder: str | Path, config: RunConfig, splits: Splits, replicas: int = 1
    ) -> "Run":
        """Return a new run of which nothing is written yet, see `create`."""
        run = cls(Path(folder), config, Identity.new(splits, replicas))
        run.splits = splits
        return run

    @classmethod
    def create(
        cls, folder: str | Path, config: RunConfig, splits: Splits, replicas: int = 1
    ) -> "Run":
        """Make a new run folder and record configuration and splits in it.

        Args:
            folder: The folder to make; must be missing or empty.
            config: The configuration to record.
            splits: The images, loaded with that configuration.
            replicas: Number of replicas that train together.

        Raises:
            UserError: If the folder is not empty or cannot be made.
        """
        run = cls.draft(folder, config, splits, replicas)
        run.write()
        return run

    def write(self) -> None:
        """Write the folder of a `draft`, all of it or nothing."""
        write_new_folder(self.folder, self.config, self.splits, self.identity)

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Open an existing run folder.

        Raises:
            UserError: If it is not a run folder, is damaged, or has another schema version.
        """
        folder = Path(folder)
        if not (folder / RUN_FILE).is_file():
            raise UserError(
                f"{folder} is no run folder (no {RUN_FILE}): give a folder that train wrote"
            )
        identity = read_identity(folder / RUN_FILE)
        return cls(folder, recorded_config(read_config(folder / "config.toml")), identity)

    @classmethod
    def newest(cls, runs: str | Path, is_wanted: Callable[["Run"], bool], wanted: str) -> "Run":
        """Open the most recent run that satisfies a condition.

        Runs that cannot be opened are skipped with a warning.

        Args:
            runs: The folder that contains the run folders.
            is_wanted: Returns whether a run satisfies the condition.
            wanted: An adjective for such runs, for the message if there is none.

        Raises:
            UserError: If no run satisfies the condition.
        """
        candidates = []
        for path in sorted(Path(runs).glob(f"*/{RUN_FILE}")):
            try:
                run = cls.open(path.parent)
            except UserError as error:
                logger.warning("skipped: %s", error)
                continue
            if is_wanted(run):
                candidates.append(run)
        if not candidates:
            raise UserError(f"{runs} holds no {wanted} run: start one with ganad-tf train")
        return max(candidates, key=lambda run: run.identity.created)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Lock the run for this process; the lock of a process that dies is released.

        Raises:
            UserError: If another process holds the lock.
        """
        with (self.folder / LOCK_FILE).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{self.folder} is in use by another process: wait for it"
                ) from None
            yield

    def require_trained(self) -> None:
        """Raise `UserError` unless training is complete."""
        if not self.is_trained:
            raise UserError(
                f"{self.folder} is not trained to its end: ganad-tf train --resume {self.folder}"
            )

    def read_metrics(self) -> Fields:
        """Return the content of `metrics.json`.

        Raises:
            UserError: If the run is not evaluated or the file is damaged.
        """
        self.require_trained()
        command = f"ganad-tf evaluate --run {self.folder}"
        if not self.metrics_path.is_file():
            raise UserError(f"{self.folder} is not evaluated: {command}")
        with station_errors_as_user_errors():
            return Fields.read(self.metrics_path, command)

    def chosen_entry(self) -> Entry:
        """Return the history entry of the epoch that is evaluated and exported.

        Raises:
            UserError: If there is none, or the file is damaged.
        """
        history = self.read_history()
        if not history:
            raise UserError(f"{self.folder} has no finished epoch: train again")
        is_last = self.config.train.checkpoint == "last"
        return history[-1 if is_last else best_epoch(validation_aurocs(history))]

    def read_history(self) -> list[Entry]:
        """Return the history entry of each finished epoch.

        Raises:
            UserError: If the file is damaged.
        """
        return read_history(self.history_path) if self.history_path.is_file() else []
