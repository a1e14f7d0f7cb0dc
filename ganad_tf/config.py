"""The configuration of a run: frozen dataclasses, read from and written to TOML."""

import dataclasses
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w

from ganad_tf.errors import UserError

Section = TypeVar("Section")

DOWNSAMPLING = 16
SEEDS = 2**32


def check_size(size: int) -> None:
    """Raise `UserError` unless the four stride-2 layers of the generator divide `size`."""
    if size <= 0 or size % DOWNSAMPLING:
        nearest = max(DOWNSAMPLING, round(size / DOWNSAMPLING) * DOWNSAMPLING)
        raise UserError(
            f"image size {size} is not a multiple of {DOWNSAMPLING} "
            f"(the generator halves it four times): try {nearest}"
        )


def _check_at_least(lowest: float, **values: float) -> None:
    for name, value in values.items():
        if not value >= lowest:
            raise UserError(f"{name} must be at least {lowest}, got {value}")


def _check_fraction(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < 1:
            raise UserError(f"{name} must be between 0 and 1, got {value}")


@dataclass(frozen=True)
class DataConfig:
    """Which images, and how they are divided.

    Attributes:
        dataset: Name of the source.
        data_dir: Folder with the files, None to look where they usually are.
        normal_class: Index of the class that is normal; the others are anomalies.
        size: Height and width that images are scaled to, in pixels; a multiple of 16.
        channels: 1 (grey), 3 (RGB), or None for what the images have.
        validation_fraction: Share of the images outside test that goes to validation.
        test_fraction: Share that goes to test where the source prescribes no test images.
        clusters: K-means clusters inside a kind when anomalies are sampled.
    """

    dataset: str = "digits"
    data_dir: str | None = None
    normal_class: int = 0
    size: int = 32
    channels: int | None = None
    validation_fraction: float = 0.1
    test_fraction: float = 0.3
    clusters: int = 10

    def __post_init__(self) -> None:
        """Raise `UserError` where a value is out of range."""
        check_size(self.size)
        _check_at_least(1, clusters=self.clusters)
        _check_fraction(
            validation_fraction=self.validation_fraction, test_fraction=self.test_fraction
        )
        if self.channels not in (None, 1, 3):
            raise UserError(f"channels must be 1 (grey) or 3 (RGB), got {self.channels}")


@dataclass(frozen=True)
class LossConfig:
    """Weights of the generator's six losses (paper, table 2) and their parameters.

    Attributes:
        reconstruction: Weight of the L1 reconstruction error.
        patch: Weight of the patch loss.
        latent: Weight of the latent loss.
        adversarial: Weight of the adversarial loss on normal images.
        anomaly_adversarial: Weight of the anomaly adversarial loss.
        abc: Weight of the ABC loss.
        patch_size: Side of a patch in pixels; divides the image size.
        patch_count: The n of the patch loss, how many of the largest patch errors count.
        regime: `joint` adds up the normal and the anomaly group of losses in every step,
            `random` applies one of them, chosen at random (paper, section 3.4).
    """

    reconstruction: float = 1.5
    patch: float = 1.5
    latent: float = 0.5
    adversarial: float = 0.5
    anomaly_adversarial: float = 1.0
    abc: float = 0.5
    patch_size: int = 8
    patch_count: int = 4
    regime: Literal["joint", "random"] = "joint"

    def __post_init__(self) -> None:
        """Raise `UserError` where a value is out of range."""
        weights = ("reconstruction", "patch", "latent", "adversarial", "anomaly_adversarial", "abc")
        _check_at_least(0, **{name: getattr(self, name) for name in weights})
        _check_at_least(1, patch_size=self.patch_size, patch_count=self.patch_count)


@dataclass(frozen=True)
class TrainConfig:
    """How the networks are trained.

    Attributes:
        epochs: Epochs; after each one the model is validated and saved.
        passes: Passes over the normal images an epoch, more than one where they are few.
        batch_size: Normal images a step; as many anomalies go with them.
        learning_rate: Peak of Adam's learning rate; it falls to 0 along a cosine.
        averaging: Decay per step of the moving average of the generator.
        width: Maps of the first layer; 8 is the paper's.
        flip: Whether images are mirrored left to right at random.
        shift: Largest random shift in pixels, in both directions.
    """

    epochs: int = 10
    passes: int = 1
    batch_size: int = 16
    learning_rate: float = 1e-3
    averaging: float = 0.999
    width: int = 8
    flip: bool = False
    shift: int = 0

    def __post_init__(self) -> None:
        """Raise `UserError` where a value is out of range."""
        _check_at_least(1, epochs=self.epochs, passes=self.passes)
        _check_at_least(1, batch_size=self.batch_size, width=self.width)
        _check_at_least(0, shift=self.shift)
        _check_fraction(learning_rate=self.learning_rate, averaging=self.averaging)


@dataclass(frozen=True)
class RunConfig:
    """All that decides the outcome of a run.

    Attributes:
        seed: Seed of the split, the sampling, the initial weights and the batches.
        data: Which images.
        loss: What the generator minimizes.
        train: How it is trained.
    """

    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        """Raise `UserError` where the patches do not fit the images."""
        if not 0 <= self.seed < SEEDS:
            raise UserError(f"seed must be at least 0 and less than {SEEDS}, got {self.seed}")
        per_side, rest = divmod(self.data.size, self.loss.patch_size)
        if rest:
            raise UserError(
                f"patch size {self.loss.patch_size} does not divide the image size "
                f"{self.data.size}: choose a divisor"
            )
        if self.loss.patch_count > per_side**2:
            raise UserError(
                f"patch count {self.loss.patch_count} is more than the {per_side**2} patches "
                "of an image"
            )


DATASET_DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    "digits": {
        "data": {"size": 16, "validation_fraction": 0.2},
        "loss": {"patch_size": 4},
        "train": {"epochs": 20, "passes": 10, "shift": 1},
    },
    "mnist": {"train": {"epochs": 10, "shift": 2}},
    "fashion-mnist": {"train": {"epochs": 10, "flip": True}},
    "cifar10": {"train": {"epochs": 30, "flip": True, "shift": 3}},
    "cifar100": {"train": {"epochs": 40, "flip": True, "shift": 3}},
    "folder": {"data": {"size": 128}, "train": {"epochs": 60, "flip": True}},
}


def make_config(*layers: dict[str, Any]) -> RunConfig:
    """Build a configuration: the defaults of its data set, then each layer on top.

    Args:
        layers: Nested dictionaries as TOML has them; later ones win; None means not given.

    Raises:
        UserError: If a key is unknown or a value has the wrong type.
    """
    dataset = _chosen_dataset(layers)
    merged: dict[str, Any] = {}
    for layer in ({"data": {"dataset": dataset}}, DATASET_DEFAULTS.get(dataset, {}), *layers):
        merged = _merge(merged, layer)
    return _build(RunConfig, merged, "configuration")


def _chosen_dataset(layers: tuple[dict[str, Any], ...]) -> str:
    sections = [layer.get("data") for layer in layers]
    chosen = [section.get("dataset") for section in sections if isinstance(section, dict)]
    named = [dataset for dataset in chosen if isinstance(dataset, str)]
    return named[-1] if named else DataConfig.dataset


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML file into a layer for `make_config`.

    Raises:
        UserError: If the file is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from None


def to_toml(config: RunConfig) -> str:
    """Write a configuration as TOML; what is None is left out."""
    return tomli_w.dumps(_without_none(dataclasses.asdict(config)))


def _merge(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in layer.items():
        if isinstance(value, dict):
            section = merged.get(key, {})
            if not isinstance(section, dict):
                raise UserError(f"configuration: {key} must be a section, got {section!r}")
            merged[key] = _merge(section, value)
        elif value is not None:
            merged[key] = value
    return merged


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def _build(section: type[Section], values: dict[str, Any], where: str) -> Section:
    hints = typing.get_type_hints(section)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise UserError(f"{where}: unknown key {unknown[0]!r}, expected one of {', '.join(hints)}")
    return section(
        **{key: _convert(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    )


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise UserError(f"{where} must be a section, got {value!r}")
        return _build(typing.cast("type", kind), value, where)
    if typing.get_origin(kind) is Literal:
        if value not in typing.get_args(kind):
            raise UserError(
                f"{where} must be one of {', '.join(typing.get_args(kind))}, got {value!r}"
            )
        return value
    expected = [
        option for option in typing.get_args(kind) or (kind,) if option is not types.NoneType
    ]
    if float in expected and type(value) is int:
        return float(value)
    if type(value) not in expected:
        raise UserError(f"{where} must be {expected[0].__name__}, got {value!r}")
    return value
