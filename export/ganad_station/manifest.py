"""The manifest of a bundle: what `ganad-tf export` and `verify` write and the station reads."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ganad_station.appearance import Appearance, appearance_in
from ganad_station.errors import StationError
from ganad_station.fields import LARGEST_NUMBER, Fields
from ganad_station.model_input import InputEntry
from ganad_station.score import ScoreRule
from ganad_station.threshold import METHODS, ORDER_STATISTIC, Threshold
from ganad_station.verification import (
    LARGEST_COUNT,
    Outcome,
    VerificationEntry,
    read_verification,
    worst,
)

MANIFEST_FILE = "manifest.json"
SCHEMA_VERSION = 6
ONE_THRESHOLD = 5
"""The schema version in which all models of a bundle have the same threshold."""
EXPORT_AGAIN = "export the bundle again"
SCORE_DEFINITION = (
    "mean absolute reconstruction error over pixels and channels, in [0, 1], of the patch_count "
    "patches of patch_size pixels with the largest; of the whole image where patch_size is 0; the "
    "error of a pixel is the mean over views of the image: 1 as it is, 2 also mirrored left to "
    "right, 4 also top to bottom and both"
)


@dataclass(frozen=True)
class ModelEntry:
    """A model file of a bundle.

    Attributes:
        file: File name inside the bundle.
        precision: Number format, such as `int8` or `float16`.
        input: How the model takes pixels, in words.
        quantization: How an int8 model was quantized, in words; empty for other formats.
        activations: Whether int8 activations are `symmetric` or `asymmetric`; empty for other
            formats.
    """

    file: str
    precision: str
    input: str
    quantization: str = ""
    activations: str = ""


@dataclass(frozen=True)
class SelftestEntry:
    """A stored image and the scores that it had at export.

    Attributes:
        image: File name inside the bundle.
        scores: Score in [0, 1] under each model, by file name of the model.
    """

    image: str
    scores: Dict[str, float]


@dataclass(frozen=True)
class Manifest:
    """All that a station has to know of a bundle.

    Attributes:
        ganad_tf: Version of ganad-tf that exported the bundle.
        run: Id of the training run.
        target: The kind of station that the bundle is for.
        files: SHA-256 of each other file of the bundle, by file name.
        models: The models, the preferred one first.
        input: The images that the models take.
        score: The rule that scores are computed by.
        thresholds: The threshold of each model, by file name; each was set at export, from the
            scores of that very file.
        selftest: A stored image with its scores.
        verification: Outcome of the last verification of each model, by file name; without an
            entry for a model that has not been verified yet.
        schema_version: Version of the format that it was read from, and is written in.
        appearance: What the good training pictures look like; None in older bundles.
    """

    ganad_tf: str
    run: str
    target: str
    files: Dict[str, str]
    models: Tuple[ModelEntry, ...]
    input: InputEntry
    score: ScoreRule
    thresholds: Dict[str, Threshold]
    selftest: SelftestEntry
    verification: Dict[str, VerificationEntry]
    schema_version: int = SCHEMA_VERSION
    appearance: Optional[Appearance] = None

    @property
    def is_verified(self) -> bool:
        """Whether every model decided like the float model when it was verified."""
        return len(self._outcomes) == len(self.models) and self.outcome is Outcome.VERIFIED

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the models that have been verified."""
        return worst(self._outcomes)

    @property
    def _outcomes(self) -> List[Outcome]:
        entries = [self.verification.get(model.file) for model in self.models]
        return [entry.outcome for entry in entries if entry is not None]

    @property
    def threshold(self) -> Threshold:
        """The threshold of the preferred model."""
        return self.thresholds[self.models[0].file]

    def exported_name(self, name: str) -> str:
        """Return the model that a file of the bundle stands for.

        A file that was compiled on the station has no entries of its own: it stands for the
        preferred model, which it was compiled from.
        """
        return name if name in self.thresholds else self.models[0].file

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read the manifest of a bundle.

        Raises:
            StationError: If it is missing or damaged, is of another schema version, or a field
                has a wrong type, is out of range, or contradicts another field.
        """
        path = folder / MANIFEST_FILE
        if not path.is_file():
            raise StationError(
                f"{folder} is not a bundle (no {MANIFEST_FILE}): name one with --bundle"
            )
        fields = Fields.read(path, EXPORT_AGAIN)
        if "schema_version" not in fields:
            raise StationError(f"{path} is not a manifest: {EXPORT_AGAIN}")
        version = fields.integer("schema_version", 0, LARGEST_COUNT)
        if version not in (ONE_THRESHOLD, SCHEMA_VERSION):
            raise StationError(
                f"{path} has schema version {version}, this program reads {ONE_THRESHOLD} and "
                f"{SCHEMA_VERSION}: "
                f"run the station.pyz that came with it, or {EXPORT_AGAIN}"
            )
        program = fields.text("ganad_tf")
        models = tuple(_read_model(entry) for entry in fields.list("models"))
        return cls(
            ganad_tf=program,
            run=fields.text("run"),
            target=fields.text("target"),
            files=_read_files(fields.fields("files")),
            models=models,
            input=InputEntry.read(fields.fields("input")),
            score=_read_score(fields.fields("score")),
            thresholds=_read_thresholds(fields, version, models),
            selftest=_read_selftest(fields.fields("selftest")),
            verification=read_verification(fields.fields("verification")),
            schema_version=version,
            appearance=appearance_in(fields),
        )._checked(fields)

    def to_dict(self) -> Dict[str, Any]:
        """Return the content of the file in the types of JSON."""
        is_schema_5 = self.schema_version == ONE_THRESHOLD
        each = {name: threshold._asdict() for name, threshold in self.thresholds.items()}
        appearance = {} if self.appearance is None else {"appearance": self.appearance.to_dict()}
        return {
            "schema_version": self.schema_version,
            "ganad_tf": self.ganad_tf,
            "run": self.run,
            "target": self.target,
            "files": self.files,
            "models": [_without_empty(asdict(model)) for model in self.models],
            "input": self.input.to_dict(),
            "score": {"definition": SCORE_DEFINITION, **self.score._asdict()},
            **({"threshold": self.threshold._asdict()} if is_schema_5 else {"thresholds": each}),
            "selftest": asdict(self.selftest),
            "verification": {
                name: entry.to_dict(is_schema_5) for name, entry in self.verification.items()
            },
            **appearance,
        }

    def _checked(self, fields: Fields) -> "Manifest":
        """Refuse fields that contradict each other."""
        problem = self.score.problem(self.input.height, self.input.width)
        if problem:
            fields.refuse("score", f"does not fit the input ({problem})")
        for file in (*(model.file for model in self.models), self.selftest.image):
            if file not in self.files:
                fields.refuse("files", f"lacks {file!r}")
        for model in self.models:
            if model.file not in self.thresholds:
                fields.refuse("thresholds", f"lacks {model.file!r}")
            if model.file not in self.selftest.scores:
                fields.refuse("selftest.scores", f"lacks {model.file!r}")
        return self


def _read_files(fields: Fields) -> Dict[str, str]:
    for name in fields.names:
        if Path(name).name != name:
            fields.refuse(name, "must be a file inside the bundle")
    return {name: fields.text(name) for name in fields.names}


def _read_model(fields: Fields) -> ModelEntry:
    return ModelEntry(
        fields.text("file"),
        fields.text("precision"),
        fields.text("input"),
        fields.text("quantization", ""),
        fields.text("activations", ""),
    )


def _read_score(fields: Fields) -> ScoreRule:
    return ScoreRule(*(fields.integer(name, 0, LARGEST_COUNT) for name in ScoreRule._fields))


def _read_thresholds(
    fields: Fields, version: int, models: Tuple[ModelEntry, ...]
) -> Dict[str, Threshold]:
    if version == ONE_THRESHOLD:
        threshold = _read_threshold(fields.fields("threshold"))
        return {model.file: threshold for model in models}
    thresholds = fields.fields("thresholds")
    return {name: _read_threshold(thresholds.fields(name)) for name in thresholds.names}


def _read_threshold(fields: Fields) -> Threshold:
    return Threshold(
        fields.number("value", 0, LARGEST_NUMBER),
        fields.number("false_reject_rate", 0, 1),
        # Bundles of ganad-tf 0.1.0 do not name the method; they knew no other one.
        fields.choice("method", METHODS, ORDER_STATISTIC),
        fields.text("calibrated_on"),
        # Earlier programs did not record the promise in numbers.
        fields.number("confidence", 0, 1) if "confidence" in fields else 0.0,
        fields.integer("good_parts", 0, LARGEST_COUNT) if "good_parts" in fields else 0,
        fields.number("requested_rate", 0, 1) if "requested_rate" in fields else 0.0,
    )


def _read_selftest(fields: Fields) -> SelftestEntry:
    scores = fields.fields("scores")
    return SelftestEntry(
        fields.text("image"), {name: scores.number(name, 0, 1) for name in scores.names}
    )


def _without_empty(values: Dict[str, str]) -> Dict[str, str]:
    return {name: value for name, value in values.items() if value}
