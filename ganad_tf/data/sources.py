"""The data sources by name, and how images are loaded and split."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ganad_station.fitting import Box, even_out_picture
from ganad_station.illumination import AS_TAKEN, even_out
from ganad_tf.config import DataConfig
from ganad_tf.config.defaults import FOLDER
from ganad_tf.data.class_sets import CLASS_NAMES, load_digits, load_keras_dataset
from ganad_tf.data.folder import load_folder
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.splits import Splits, check_both_classes, split_images
from ganad_tf.data.synthetic import add_synthetic
from ganad_tf.errors import UserError

Loader = Callable[[DataConfig], LabeledImages]
"""Loads the images that a configuration names, scaled to its size, and refuses settings that make
no sense for them."""

SOURCES: dict[str, Loader] = {
    "digits": load_digits,
    **dict.fromkeys(CLASS_NAMES, load_keras_dataset),
    FOLDER: load_folder,
}
"""A new source needs an entry here, and one for its defaults in `ganad_tf.config.defaults`."""


def load_splits(config: DataConfig, seed: int) -> Splits:
    """Load a data set and split it into train, validation and test.

    Args:
        config: The data set, the size of its images, the normal class, and how it is split.
        seed: Seed of the split and of synthetic anomalies.

    Returns:
        The three splits; the same arguments and files give the same splits.

    Raises:
        UserError: If the source is unknown, not found or damaged, the normal class is out of
            range, a split lacks normal images or anomalies, or an unseen kind is not an anomaly.
    """
    if config.dataset not in SOURCES:
        raise UserError(f"unknown data set {config.dataset!r}: choose one of {', '.join(SOURCES)}")
    data = _evened_out(SOURCES[config.dataset](config), config.illumination)
    _check_masks(config, data)
    _check_normal_class(config, len(data.kind_names))
    splits = split_images(
        data,
        config.normal_class,
        config.validation_fraction,
        config.test_fraction,
        seed,
        _unseen_kinds(config, data.kind_names),
        config.anomaly_test_fraction,
    )
    splits = add_synthetic(splits, config.anomaly_source, seed)
    check_both_classes(splits)
    return splits


def _evened_out(data: LabeledImages, illumination: str) -> LabeledImages:
    if illumination == AS_TAKEN:
        return data
    if data.boxes is None:
        images = np.stack([even_out(image, illumination) for image in data.images])
    else:
        images = np.stack(
            [
                even_out_picture(image, Box(*box), illumination)
                for image, box in zip(data.images, data.boxes.tolist(), strict=True)
            ]
        )
    return dataclasses.replace(data, images=images)


def _check_masks(config: DataConfig, data: LabeledImages) -> None:
    if config.tile is not None and config.anomaly_source == "both" and data.masks is None:
        raise UserError(
            f"{config.data_dir or config.dataset} has no masks, so that tiles of its anomalies "
            "cannot be trained on beside synthetic ones: add masks, choose --anomalies labelled "
            "or synthetic, or leave out --tile"
        )


def _check_normal_class(config: DataConfig, classes: int) -> None:
    if not 0 <= config.normal_class < classes:
        raise UserError(
            f"normal class {config.normal_class} is out of range: "
            f"{config.dataset} has the classes 0 to {classes - 1}"
        )


def _unseen_kinds(config: DataConfig, kind_names: tuple[str, ...]) -> frozenset[int]:
    anomalies = {name: kind for kind, name in enumerate(kind_names) if kind != config.normal_class}
    for name in config.unseen_kinds:
        if name not in anomalies:
            raise UserError(
                f"unseen kind {name!r} is not a kind of anomaly of {config.dataset}: "
                f"choose among {', '.join(anomalies)}"
            )
    return frozenset(anomalies[name] for name in config.unseen_kinds)
