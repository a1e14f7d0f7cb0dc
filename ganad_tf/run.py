"""A run: the folder that holds all of one training, from configuration to plots."""

import csv
import fcntl
import io
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganad_tf import __version__
from ganad_tf.config.schema import RunConfig
from ganad_tf.config.toml import read_config, recorded_config, to_toml
from ganad_tf.data.sources import load_splits
from ganad_tf.data.splits import Splits
from ganad_tf.errors import UserError
from ganad_tf.system.files import new_folder, read_json, write_json, write_text

SCHEMA_VERSION = 1
DEFAULT_RUNS = Path("runs")
RUN_FILE = "run.json"
LOCK_FILE = ".lock"
REQUIRED_KEYS = frozenset({"schema_version", "id", "created", "splits"})

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        folder: Where it is.
        config: The configuration that it was made with.
        identity: What `run.json` says: schema version, id, time, replicas that train together,
            the splits' fingerprints.
    """

    folder: Path
    config: RunConfig
    identity: dict[str, Any]

    @property
    def history_path(self) -> Path:
        """Losses and validation figures of each epoch, JSON."""
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
        """The one of the two that the configuration chooses for evaluation and export."""
        return self.best_path if self.config.train.checkpoint == "best" else self.last_path

    @property
    def generator_path(self) -> Path:
        """The generator that is evaluated and exported; written when training is over."""
        return self.folder / "generator.keras"

    @property
    def metrics_path(self) -> Path:
        """Figures on the test split, JSON."""
        return self.folder / "metrics.json"

    @property
    def replicas(self) -> int:
        """How many replicas train together; each takes a batch of the configured size."""
        return self.identity.get("replicas", 1)

    @property
    def is_trained(self) -> bool:
        """Whether training came to its end."""
        return self.generator_path.is_file()

    @property
    def is_evaluated(self) -> bool:
        """Whether the evaluation that follows training came to its end, too."""
        return self.is_trained and self.metrics_path.is_file()

    @classmethod
    def create(cls, folder: Path, config: RunConfig, splits: Splits, replicas: int = 1) -> "Run":
        """Make a new run folder and record configuration and splits in it.

        Raises:
            UserError: If the folder exists already and is not empty, or cannot be made.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} is not empty: choose another --name, or --resume it")
        identity = {
            "schema_version": SCHEMA_VERSION,
            "ganad_tf": __version__,
            "id": uuid.uuid4().hex,
            "created": datetime.now(UTC).isoformat(),
            "replicas": replicas,
            "splits": describe_splits(splits),
        }
        try:
            with new_folder(folder) as temporary:
                write_text(temporary / "config.toml", to_toml(config))
                write_text(temporary / "splits.csv", _splits_csv(splits))
                write_json(temporary / RUN_FILE, identity)
        except OSError as error:
            raise UserError(f"{folder} cannot be made: {error.strerror}") from None
        return cls(folder, config, identity)

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open an existing run folder.

        Raises:
            UserError: If it is no run, or one of another schema version.
        """
        if not (folder / RUN_FILE).is_file():
            raise UserError(
                f"{folder} is no run folder (no {RUN_FILE}): give a folder that train wrote"
            )
        identity = read_json(folder / RUN_FILE, "train again")
        missing = REQUIRED_KEYS - set(identity if isinstance(identity, dict) else ())
        if missing:
            raise UserError(f"{folder / RUN_FILE} lacks {min(missing)!r}: train again")
        version = identity["schema_version"]
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{folder} has run schema version {version}, this ganad-tf reads {SCHEMA_VERSION}: "
                f"use ganad-tf {identity.get('ganad_tf', 'of that version')} or train again"
            )
        return cls(folder, recorded_config(read_config(folder / "config.toml")), identity)

    @classmethod
    def newest(cls, runs: Path, is_wanted: Callable[["Run"], bool], wanted: str) -> "Run":
        """Open the run that was made last among those that are wanted.

        Runs that cannot be opened are named in the log and passed over.

        Args:
            runs: The folder of the run folders.
            is_wanted: Whether a run is.
            wanted: What is wanted, for the message when there is none.

        Raises:
            UserError: If there is none.
        """
        candidates = []
        for path in sorted(runs.glob(f"*/{RUN_FILE}")):
            try:
                run = cls.open(path.parent)
            except UserError as error:
                logger.warning("passed over: %s", error)
                continue
            if is_wanted(run):
                candidates.append(run)
        if not candidates:
            raise UserError(f"{runs} holds no {wanted} run: start one with ganad-tf train")
        return max(candidates, key=lambda run: run.identity["created"])

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Hold the run for one process at a time; a process that dies lets go of it.

        Raises:
            UserError: If another process holds it.
        """
        with (self.folder / LOCK_FILE).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{self.folder} is in use by another process: wait for it"
                ) from None
            yield

    def chosen_entry(self) -> dict[str, float]:
        """Return the entry of the epoch that is evaluated and exported, see `chosen_path`."""
        history = self.read_history()
        if self.config.train.checkpoint == "last":
            return history[-1]
        return max(history, key=lambda entry: (entry["validation_auroc"], entry["epoch"]))

    def read_history(self) -> list[dict[str, float]]:
        """Return the entry of each finished epoch.

        Raises:
            UserError: If the file is damaged.
        """
        if not self.history_path.is_file():
            return []
        return read_json(self.history_path, "train again")


def load_recorded_splits(run: Run) -> Splits:
    """Load the data of a run, split as recorded.

    Raises:
        UserError: If the data cannot be loaded or are not those that the run was made with.
    """
    splits = load_splits(run.config.data, run.config.seed)
    recorded, found = run.identity["splits"], describe_splits(splits)
    changed = [name for name in found if found[name] != recorded.get(name)]
    if changed:
        raise UserError(
            f"the {changed[0]} split is not the one that {run.folder} was trained with: "
            "the data files have changed; restore them or train again"
        )
    return splits


def describe_splits(splits: Splits) -> dict[str, dict[str, Any]]:
    """Return counts and fingerprint of each split, as `run.json` has them."""
    return {
        name: {
            "normal": int((~split.is_anomaly).sum()),
            "anomaly": int(split.is_anomaly.sum()),
            "sha256": split.fingerprint(),
        }
        for name, split in splits.items()
    }


def _splits_csv(splits: Splits) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("split", "kind", "name"))
    for name, split in splits.items():
        kind_names = split.data.kind_names
        for kind, item in zip(split.data.kinds, split.data.names, strict=True):
            writer.writerow((name, kind_names[kind], item))
    return text.getvalue()
