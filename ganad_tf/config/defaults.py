"""The defaults of data sets, of tiles and of widths."""

from typing import Any

DATASET_DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    "digits": {
        "data": {"size": 16, "validation_fraction": 0.2},
        "loss": {"patch_size": 4},
        "train": {"epochs": 20, "passes": 10, "shift": 1},
    },
    "mnist": {"train": {"epochs": 10, "shift": 2}},
    "fashion-mnist": {
        "data": {"anomalies": 48_600},
        "loss": {"abc_scale": 4.0},
        "train": {"epochs": 15, "learning_rate": 1e-2, "flip": True},
    },
    "cifar10": {
        "data": {"anomalies": 40_500},
        "loss": {"latent": 0.1, "adversarial": 0.1, "abc": 2.0},
        "train": {"epochs": 20, "learning_rate": 3e-3, "flip": True, "shift": 3},
    },
    "cifar100": {"train": {"epochs": 40, "flip": True, "shift": 3}},
    "folder": {"data": {"size": 128}, "train": {"epochs": 60, "flip": True}},
}

TILE_DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {"illumination": "brightness"},
    "loss": {
        "reconstruction": 4.0,
        "patch": 6.0,
        "latent": 0.0,
        "adversarial": 0.0,
        "anomaly_adversarial": 0.0,
        "abc": 2.0,
        "abc_scale": 4.0,
        "abc_patches": 8,
    },
    "train": {
        "epochs": 16,
        "passes": 8,
        "batch_size": 12,
        "learning_rate": 3e-3,
        "brightness": 0.15,
        "contrast": 0.25,
        "rotation": 8.0,
        "zoom": 0.2,
        "transplant": 0.5,
        "checkpoint": "last",
    },
    "score": {"patch_size": 8, "patch_count": 8, "views": 2},
}
"""What goes with `data.tile`; chosen on magnetic tiles, see docs/experiments.md."""

WIDTH_PRESETS = {"nano": 8, "small": 12, "medium": 16, "large": 24}
"""Maps of the first layer by name; nano is the paper's."""
