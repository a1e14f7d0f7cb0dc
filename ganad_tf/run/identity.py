"""What identifies a run: the content of `run.json`, and which images each split has."""

import csv
import io
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ganad_station.fields import Fields
from ganad_tf import __version__
from ganad_tf.data.splits import SPLIT_NAMES, Splits
from ganad_tf.errors import UserError, station_errors_as_user_errors

SCHEMA_VERSION = 1
REMEDY = "train again"
MOST = 2**63


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

    @classmethod
    def new(cls, splits: Splits, replicas: int) -> "Identity":
        """Return the identity of a new run on these splits."""
        now = datetime.now(UTC).isoformat()
        records = record_splits(splits)
        return cls(SCHEMA_VERSION, __version__, uuid.uuid4().hex, now, replicas, records)


def read_identity(path: Path) -> Identity:
    """Read a `run.json`.

    Raises:
        UserError: If it is damaged or has another schema version.
    """
    with station_errors_as_user_errors():
        fields = Fields.read(path, REMEDY)
        created, version = fields.text("created"), fields.integer("schema_version", 0, MOST)
        program = fields.text("ganad_tf", "of that version")
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path.parent} has run schema version {version}, this ganad-tf reads "
                f"{SCHEMA_VERSION}: use ganad-tf {program} or train again"
            )
        replicas = fields.integer("replicas", 1, MOST) if "replicas" in fields else 1
        splits = {name: _read_split(fields.fields("splits").fields(name)) for name in SPLIT_NAMES}
        return Identity(version, program, fields.text("id"), created, replicas, splits)


def _read_split(fields: Fields) -> SplitRecord:
    normal, anomaly = (fields.integer(name, 0, MOST) for name in ("normal", "anomaly"))
    return SplitRecord(normal, anomaly, fields.text("sha256"))


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
