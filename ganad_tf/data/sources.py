"""The data sources by name, and how each is loaded and split."""

import dataclasses
from pathlib import Path

import numpy as np

from ganad_station.illumination import AS_TAKEN, even_out
from ganad_tf.config import DataConfig
from ganad_tf.data.class_sets import CLASS_NAMES, keras_dataset, load_digits
from ganad_tf.data.folder import load_folder
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.listing import NORMAL
from ganad_tf.data.splits import Splits, check_both_sides, split_images
from ganad_tf.data.synthetic import add_synthetic
from ganad_tf.errors import UserError

FOLDER = "folder"
SOURCES = {
    "digits": load_digits,
    **{name: keras_dataset(name) for name in CLASS_NAMES},
    FOLDER: load_folder,
}


def load_splits(config: DataConfig, seed: int) -> Splits:
    """Load a data set and split it into train, validation and test.

    Args:
        config: Which data set, where, at what size, which kind is normal, what
            is evened out, how to split, which kinds only test has, whether anomalies are synthetic.
        seed: Seed of the split.

    Returns:
        The three splits; the same arguments and files give the same splits.

    Raises:
        UserError: If the source is unknown, not found or damaged, the normal class is out of
            range, a split lacks normal images or anomalies, or an unseen kind is no anomaly.
    """
    if config.dataset not in SOURCES:
        raise UserError(f"unknown data set {config.dataset!r}: choose one of {', '.join(SOURCES)}")
    data = _evened_out(_load(config), config.illumination)
    _check_labelled(config, data)
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
    check_both_sides(splits)
    return splits


def _load(config: DataConfig) -> LabeledImages:
    data_dir = Path(config.data_dir) if config.data_dir else None
    if config.dataset == FOLDER:
        return load_folder(config.size, config.channels, data_dir, config.group_by)
    if config.group_by is not None:
        raise UserError(f"each image of {config.dataset} is of a part of its own: no --group-by")
    return SOURCES[config.dataset](config.size, config.channels, data_dir)


def _evened_out(data: LabeledImages, illumination: str) -> LabeledImages:
    if illumination == AS_TAKEN:
        return data
    images = np.stack([even_out(image, illumination) for image in data.images])
    return dataclasses.replace(data, images=images)


def _check_labelled(config: DataConfig, data: LabeledImages) -> None:
    if config.dataset == FOLDER and config.anomaly_source != "synthetic" and not data.kinds.any():
        raise UserError(
            f"{config.data_dir} has no defective pictures: add a folder a defect kind beside "
            f"{NORMAL}/, or train on synthetic ones with --anomalies synthetic"
        )


def _check_masks(config: DataConfig, data: LabeledImages) -> None:
    if config.tile is not None and config.anomaly_source == "both" and data.masks is None:
        raise UserError(
            f"{config.data_dir or config.dataset} has no masks, so that tiles of its anomalies "
            "cannot be trained on beside synthetic ones: give masks, choose --anomalies labelled "
            "or synthetic, or leave out --tile"
        )


def _check_normal_class(config: DataConfig, kinds: int) -> None:
    if config.dataset == FOLDER and config.normal_class != 0:
        raise UserError(
            "in a folder the normal pictures are those in normal/: leave out --normal-class"
        )
    if not 0 <= config.normal_class < kinds:
        raise UserError(
            f"normal class {config.normal_class} is out of range: "
            f"{config.dataset} has the classes 0 to {kinds - 1}"
        )


def _unseen_kinds(config: DataConfig, kind_names: tuple[str, ...]) -> frozenset[int]:
    anomalies = {name: kind for kind, name in enumerate(kind_names) if kind != config.normal_class}
    for name in config.unseen_kinds:
        if name not in anomalies:
            raise UserError(
                f"unseen kind {name!r} is no kind of anomaly of {config.dataset}: "
                f"choose among {', '.join(anomalies)}"
            )
    return frozenset(anomalies[name] for name in config.unseen_kinds)
