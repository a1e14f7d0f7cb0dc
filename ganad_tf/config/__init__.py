"""The configuration of a run: its settings, their defaults, and TOML."""

from ganad_tf.config.defaults import DATASET_DEFAULTS, TILE_DEFAULTS
from ganad_tf.config.run_config import SEEDS, RunConfig
from ganad_tf.config.schema import (
    ANOMALY_LOSSES,
    GENERATOR_LOSSES,
    NORMAL_LOSSES,
    WIDTH_PRESETS,
    DataConfig,
    LossConfig,
    ScoreConfig,
    TrainConfig,
    check_size,
)
from ganad_tf.config.toml import make_config, read_config, recorded_config, to_toml

__all__ = [
    "ANOMALY_LOSSES",
    "DATASET_DEFAULTS",
    "GENERATOR_LOSSES",
    "NORMAL_LOSSES",
    "SEEDS",
    "TILE_DEFAULTS",
    "WIDTH_PRESETS",
    "DataConfig",
    "LossConfig",
    "RunConfig",
    "ScoreConfig",
    "TrainConfig",
    "check_size",
    "make_config",
    "read_config",
    "recorded_config",
    "to_toml",
]
