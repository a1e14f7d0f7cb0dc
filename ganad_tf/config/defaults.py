"""The defaults of each data set, of training on tiles and of verification."""

from typing import NamedTuple

from ganad_tf.config.schema import MEASURED, DataConfig, LossConfig, ScoreConfig, TrainConfig

FOLDER = "folder"
"""Name of the data set that reads pictures of the user."""
DEFAULT_MAX_DROP = 0.005
"""Largest drop in AUROC against the float model with which an exported file is verified."""
MAX_RATE_RISE = 0.02
"""Largest rise of the false-reject rate and of the miss rate with which it is verified."""


class Defaults(NamedTuple):
    """Sections of settings; the settings that a section was given are defaults."""

    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    train: TrainConfig = TrainConfig()
    score: ScoreConfig = ScoreConfig()


DATASET_DEFAULTS = {
    "digits": Defaults(
        data=DataConfig(size=16, validation_fraction=0.2),
        loss=LossConfig(patch_size=4),
        train=TrainConfig(epochs=20, passes=10, shift=1),
    ),
    "mnist": Defaults(train=TrainConfig(epochs=10, shift=2)),
    "fashion-mnist": Defaults(
        data=DataConfig(anomalies=48_600),
        loss=LossConfig(abc_scale=4.0),
        train=TrainConfig(epochs=15, learning_rate=1e-2, flip=True),
    ),
    "cifar10": Defaults(
        data=DataConfig(anomalies=40_500),
        loss=LossConfig(latent=0.1, adversarial=0.1, abc=2.0),
        train=TrainConfig(epochs=20, learning_rate=3e-3, flip=True, shift=3),
    ),
    "cifar100": Defaults(train=TrainConfig(epochs=40, flip=True, shift=3)),
    FOLDER: Defaults(data=DataConfig(size=128), train=TrainConfig(epochs=60, flip=MEASURED)),
}

TILE_DEFAULTS = Defaults(
    data=DataConfig(illumination="brightness"),
    loss=LossConfig(
        reconstruction=4.0,
        patch=6.0,
        latent=0.0,
        adversarial=0.0,
        anomaly_adversarial=0.0,
        abc=2.0,
        abc_scale=4.0,
        abc_patches=8,
    ),
    train=TrainConfig(
        epochs=16,
        passes=8,
        batch_size=12,
        learning_rate=3e-3,
        shift=0,
        brightness=0.15,
        contrast=0.25,
        rotation=8.0,
        zoom=0.2,
        transplant=0.5,
        checkpoint="last",
    ),
    score=ScoreConfig(patch_size=8, patch_count=8, views=2),
)
"""Defaults where `data.tile` is set, chosen on magnetic tiles, see docs/experiments.md."""


def with_defaults(
    data: DataConfig, loss: LossConfig, train: TrainConfig, score: ScoreConfig
) -> tuple[DataConfig, LossConfig, TrainConfig, ScoreConfig]:
    """Apply the defaults of the data set, and those of tiles above them, to what is not given."""
    layers = [DATASET_DEFAULTS.get(data.dataset, Defaults())]
    if data.tile is not None:
        layers.append(TILE_DEFAULTS)
    train = train.with_defaults(*(layer.train for layer in layers))
    if data.tile is not None and not train.flip:
        layers.append(Defaults(score=ScoreConfig(views=1)))
    return (
        data.with_defaults(*(layer.data for layer in layers)),
        loss.with_defaults(*(layer.loss for layer in layers)),
        train,
        score.with_defaults(*(layer.score for layer in layers)),
    )
