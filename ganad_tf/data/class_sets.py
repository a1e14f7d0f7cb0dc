"""Loads class data sets: the digits of scikit-learn, and the data sets of keras.datasets.

A data set of keras.datasets is searched in `--data-dir` alone if that is given, else in Debian's
`/usr/share/datasets` and in the Keras cache; if it is in neither, keras.datasets downloads it. A
place may hold `<name>.npz` in the layout of keras.datasets (x_train, y_train, x_test, y_test) or,
for the data sets that are published in it, the four `*-ubyte.gz` files of Yann LeCun's IDX format.
"""

import gzip
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganad_station.fitting import box_of, boxes_of, check_native, surround
from ganad_station.images import fit_image
from ganad_station.measurements import measure
from ganad_tf.config import DataConfig
from ganad_tf.data.labeled import UNASSIGNED, LabeledImages
from ganad_tf.errors import UserError, reason, station_errors_as_user_errors

Arrays = dict[str, NDArray[np.uint8]]

BATCH = 256
"""Number of images that are measured at once."""
DEBIAN_DATASETS = Path("/usr/share/datasets")
DAMAGE = (OSError, ValueError, EOFError, zlib.error)
NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
DIGITS = tuple("0123456789")
CLASS_NAMES = {
    "mnist": DIGITS,
    "fashion-mnist": (
        "t-shirt", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
    "cifar10": (
        "airplane", "automobile", "bird", "cat", "deer",
        "dog", "frog", "horse", "ship", "truck",
    ),
    "cifar100": (
        "aquatic mammals", "fish", "flowers", "food containers", "fruit and vegetables",
        "household electrical devices", "household furniture", "insects", "large carnivores",
        "large man-made outdoor things", "large natural outdoor scenes",
        "large omnivores and herbivores", "medium-sized mammals", "non-insect invertebrates",
        "people", "reptiles", "small mammals", "trees", "vehicles 1", "vehicles 2",
    ),
}  # fmt: skip


def load_digits(config: DataConfig) -> LabeledImages:
    """Load the 1,797 handwritten digits of scikit-learn (8 x 8 pixels, 17 grey levels).

    Args:
        config: The `size` in pixels; `channels` must be 1 or None, `data_dir` and `group_by` None.

    Returns:
        The images without a prescribed split; the kinds are the digits 0 to 9.

    Raises:
        UserError: If a setting does not fit the data set.
    """
    from sklearn.datasets import load_digits as load

    _refuse_folder_settings(config)
    if config.data_dir is not None:
        raise UserError(
            "the digits come with scikit-learn: leave out --data-dir, or choose another --dataset"
        )
    digits = load()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)
    return _labeled(config, images, digits.target, DIGITS, np.full(len(images), UNASSIGNED))


def load_keras_dataset(config: DataConfig) -> LabeledImages:
    """Load one of the data sets in `CLASS_NAMES`.

    Args:
        config: The name in `dataset`; the `size` in pixels; `channels`, None for those of the data
            set; and the folder to search in `data_dir`, None for the usual places.

    Returns:
        The images in their published split into train and test. The kinds of CIFAR-100 are its 20
        superclasses, as in the literature on one class against the rest.

    Raises:
        UserError: If the data set is not found or damaged, or a setting does not fit it.
    """
    _refuse_folder_settings(config)
    name = config.dataset
    arrays = _find(name, Path(config.data_dir) if config.data_dir else None)
    _check(arrays, name, len(CLASS_NAMES[name]))
    images = np.concatenate([arrays["x_train"], arrays["x_test"]])
    labels = np.concatenate([arrays["y_train"].ravel(), arrays["y_test"].ravel()])
    split = np.repeat(["train", "test"], [len(arrays["x_train"]), len(arrays["x_test"])])
    return _labeled(config, images, labels, CLASS_NAMES[name], split)


def _refuse_folder_settings(config: DataConfig) -> None:
    if config.group_by is not None:
        raise UserError(
            f"each image of {config.dataset} shows a part of its own: leave out --group-by"
        )
    if config.levels is not None:
        raise UserError(f"the images of {config.dataset} have 8 bits: leave out --levels")


def _labeled(
    config: DataConfig,
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    kind_names: tuple[str, ...],
    split: NDArray[np.str_],
) -> LabeledImages:
    """Scale images, each of which shows a part of its own.

    Args:
        config: The size, and the settings that are checked against the images.
        images: uint8 `(count, height, width)` or `(count, height, width, channels)`.
        labels: `(count,)`, indices into `kind_names`.
        kind_names: The name of each class.
        split: str `(count,)`, see `LabeledImages.official_split`.
    """
    name, channels = config.dataset, 1 if images.ndim == 3 else images.shape[3]
    if config.channels not in (None, channels):
        raise UserError(
            f"{name} has {channels} channels, not {config.channels}: leave out --channels"
        )
    height, width = images.shape[1:3]
    with station_errors_as_user_errors():
        check_native((height, width), config.shape, config.fit, f"each image of {name}")
    box = box_of((height, width), config.shape, config.fit)
    scaled = np.stack([fit_image(image, (box.height, box.width)) for image in images])
    batches = (scaled[start : start + BATCH] for start in range(0, len(scaled), BATCH))
    measurements = np.concatenate([measure(batch, (height, width)) for batch in batches])
    boxes = boxes_of([(height, width)] * len(images), config.shape, config.fit)
    fitted = scaled
    if boxes is not None:
        fitted = np.stack([surround(picture, box, config.shape) for picture in scaled])
    index = np.arange(len(images))
    return LabeledImages(
        fitted,
        labels.astype(np.int64),
        kind_names,
        split,
        index.astype(str),
        index,
        measurements=measurements,
        boxes=boxes,
    )


def _find(name: str, data_dir: Path | None) -> Arrays:
    if data_dir is not None:
        arrays = _read_place(data_dir, name)
        if arrays is None:
            raise UserError(
                f"{data_dir} has no {name}: put {name}.npz (x_train, y_train, x_test, y_test) there"
            )
        return arrays
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    for place in (DEBIAN_DATASETS / name, cache, cache / name):
        arrays = _read_place(place, name)
        if arrays is not None:
            return arrays
    return _download(name)


def _read_place(place: Path, name: str) -> Arrays | None:
    for npz in (place / f"{name}.npz", place / f"{name.replace('-', '_')}.npz"):
        if npz.is_file():
            return _read_npz(npz)
    idx = {key: place / file for key, file in IDX_FILES.items()}
    # CIFAR is never published as IDX; a folder shared with MNIST must not be taken for it.
    if "mnist" in name and all(path.is_file() for path in idx.values()):
        return {key: _read_idx(path) for key, path in idx.items()}
    return None


def _read_npz(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in NPZ_KEYS}
    except (*DAMAGE, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} is not a data set in the keras.datasets layout ({reason(error)}): "
            "download it again"
        ) from None


def _read_idx(path: Path) -> NDArray[np.uint8]:
    try:
        content = gzip.decompress(path.read_bytes())
        dimensions = content[3]
        shape = struct.unpack_from(f">{dimensions}I", content, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (*DAMAGE, IndexError, struct.error) as error:
        raise UserError(f"{path} is not an IDX file ({reason(error)}): download it again") from None


def _check(arrays: Arrays, name: str, classes: int) -> None:
    for split in ("train", "test"):
        images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size:
            raise UserError(
                f"{name}: x_{split} must be uint8 images, got {images.dtype} {images.shape}"
            )
        if labels.dtype.kind not in "iu" or labels.size != len(images):
            raise UserError(
                f"{name}: y_{split} must be as many labels as x_{split} has images, {len(images)}, "
                f"got {labels.size} of {labels.dtype}"
            )
        if labels.min() < 0 or labels.max() >= classes:
            raise UserError(
                f"{name}: y_{split} has labels {labels.min()} to {labels.max()}, "
                f"expected 0 to {classes - 1}"
            )
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        raise UserError(f"{name}: the images of x_train and x_test differ in size")


def _download(name: str) -> Arrays:
    import keras

    options = {"label_mode": "coarse"} if name == "cifar100" else {}
    module = getattr(keras.datasets, name.replace("-", "_"))
    try:
        train, test = module.load_data(**options)
    except Exception as error:  # keras.datasets wraps every network failure in a bare Exception
        hint = (
            " (on Debian: apt-get install dataset-fashion-mnist)" if name == "fashion-mnist" else ""
        )
        raise UserError(
            f"{name} is not on this machine and cannot be downloaded "
            f"({reason(error)}): give --data-dir a folder with {name}.npz{hint}"
        ) from None
    return dict(zip(NPZ_KEYS, (*train, *test), strict=True))
