"""What identifies a run: the content of `run.json`, and which images each split has."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from ganad_tf.data.splits import SPLIT_NAMES, Splits
from ganad_tf.errors import UserError
from ganad_tf.system.files import read_json

SCHEMA_VERSION = 1
REQUIRED_KEYS = frozenset({"schema_version", "id", "created", "splits"})
REMEDY = "train again"


@dataclass(frozen=True)
class SplitRecord:
    """A split as `run.json` records it.

    Attributes:
        normal: Number of normal images.
        anomaly: Number of anomalous images.
        sha256: Fingerprint of pixels and kinds, see `Split.fingerprint`.
    """

    normal: int
    anomaly: int
    sha256: str


@dataclass(frozen=True)
class Identity:
    """The content of `run.json`.

    Attributes:
        schema_version: Version of the format of the run folder.
        ganad_tf: Version of the program that made the run.
        id: Random identifier, which the bundles of the run carry.
        created: Time in UTC, ISO 8601.
        replicas: Number of replicas that train together, each on batches of the configured size.
        splits: The record of each split by its name.
    """

    schema_version: int
    ganad_tf: str
    id: str
    created: str
    replicas: int
    splits: dict[str, SplitRecord]


def read_identity(path: Path) -> Identity:
    """Read a `run.json`.

    Raises:
        UserError: If it is damaged or has another schema version.
    """
    content = read_json(path, REMEDY)
    missing = REQUIRED_KEYS - set(content if isinstance(content, dict) else ())
    if missing:
        raise UserError(f"{path} lacks {min(missing)!r}: {REMEDY}")
    version, program = content["schema_version"], content.get("ganad_tf", "of that version")
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path.parent} has run schema version {version}, this ganad-tf reads "
            f"{SCHEMA_VERSION}: use ganad-tf {program} or train again"
        )
    try:
        splits = {name: SplitRecord(**content["splits"][name]) for name in SPLIT_NAMES}
        run_id, created, replicas = content["id"], content["created"], content.get("replicas", 1)
        is_sound = isinstance(run_id + created, str) and isinstance(replicas, int)
    except (KeyError, TypeError):
        is_sound = False
    if not is_sound:
        raise UserError(f"{path} is damaged: {REMEDY}")
    return Identity(version, program, run_id, created, replicas, splits)


def record_splits(splits: Splits) -> dict[str, SplitRecord]:
    """Return the record of each split by its name."""
    return {
        name: SplitRecord(
            int((~split.is_anomaly).sum()), int(split.is_anomaly.sum()), split.fingerprint()
        )
        for name, split in splits.items()
    }


def splits_csv(splits: Splits) -> str:
    """Return the content of `splits.csv`: split, kind and name of each image."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("split", "kind", "name"))
    for name, split in splits.items():
        kind_names = split.data.kind_names
        for kind, item in zip(split.data.kinds, split.data.names, strict=True):
            writer.writerow((name, kind_names[kind], item))
    return text.getvalue()
