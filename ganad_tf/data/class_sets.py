"""Class data sets: the digits that scikit-learn ships, and those of keras.datasets.

The sets of keras.datasets are looked for, in this order, in `--data-dir`, in Debian's
`/usr/share/datasets`, in the Keras cache, and at last fetched by keras.datasets itself. A place
may hold `<name>.npz` in the keras.datasets layout (x_train, y_train, x_test, y_test), or, for
the sets that are published so, the four `*-ubyte.gz` files of Yann LeCun's IDX format.
"""

import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganad_station.images import fit_image
from ganad_tf.data.labeled import UNASSIGNED, LabeledImages
from ganad_tf.errors import UserError, reason

Arrays = dict[str, NDArray[np.uint8]]

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


def load_digits(size: int, channels: int | None, data_dir: Path | None) -> LabeledImages:
    """Load scikit-learn's 1,797 handwritten digits (8 x 8 pixels, 17 grey levels).

    Args:
        size: Height and width to scale to, in pixels.
        channels: 1 or None: the digits are grey.
        data_dir: None: the digits come with scikit-learn.

    Returns:
        The images with no prescribed split; the kinds are the digits 0 to 9.

    Raises:
        UserError: If `channels` or `data_dir` ask for something else.
    """
    from sklearn.datasets import load_digits as load

    if data_dir is not None:
        raise UserError(
            "the digits come with scikit-learn: leave out --data-dir, or choose another --dataset"
        )
    digits = load()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)
    return _labeled(
        images, digits.target, DIGITS, np.full(len(images), UNASSIGNED), size, channels, "digits"
    )


def keras_dataset(name: str) -> Callable[[int, int | None, Path | None], LabeledImages]:
    """Return the loader of one of the sets in `CLASS_NAMES`.

    The loader takes the size to scale to in pixels, the channels (None or what the set has)
    and the data folder (or None), keeps the published division into train and test, and
    raises `UserError` where the set is not found or damaged. CIFAR-100 has its 20
    superclasses as kinds, as the one-vs-rest literature has it.
    """

    def load(size: int, channels: int | None, data_dir: Path | None) -> LabeledImages:
        arrays = _find(name, data_dir)
        _check(arrays, name, len(CLASS_NAMES[name]))
        images = np.concatenate([arrays["x_train"], arrays["x_test"]])
        labels = np.concatenate([arrays["y_train"].ravel(), arrays["y_test"].ravel()])
        split = np.repeat(["train", "test"], [len(arrays["x_train"]), len(arrays["x_test"])])
        return _labeled(images, labels, CLASS_NAMES[name], split, size, channels, name)

    return load


def _labeled(
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    kind_names: tuple[str, ...],
    split: NDArray[np.str_],
    size: int,
    channels: int | None,
    name: str,
) -> LabeledImages:
    found = 1 if images.ndim == 3 else images.shape[3]
    if channels not in (None, found):
        raise UserError(f"{name} has {found} channels, not {channels}: leave out --channels")
    fitted = np.stack([fit_image(image, size) for image in images])
    place = np.arange(len(images))
    return LabeledImages(
        fitted, labels.astype(np.int64), kind_names, split, place.astype(str), place
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
    return _fetch(name)


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
            f"{path} is no data set in the keras.datasets layout ({reason(error)})"
        ) from None


def _read_idx(path: Path) -> NDArray[np.uint8]:
    try:
        content = gzip.decompress(path.read_bytes())
        dimensions = content[3]
        shape = struct.unpack_from(f">{dimensions}I", content, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (*DAMAGE, IndexError, struct.error) as error:
        raise UserError(f"{path} is no IDX file ({reason(error)}): fetch it again") from None


def _check(arrays: Arrays, name: str, kinds: int) -> None:
    for part in ("train", "test"):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size:
            raise UserError(
                f"{name}: x_{part} must be uint8 images, got {images.dtype} {images.shape}"
            )
        if labels.dtype.kind not in "iu" or labels.size != len(images):
            raise UserError(
                f"{name}: y_{part} must be as many labels as x_{part} has images, {len(images)}, "
                f"got {labels.size} of {labels.dtype}"
            )
        if labels.min() < 0 or labels.max() >= kinds:
            raise UserError(
                f"{name}: y_{part} has labels {labels.min()} to {labels.max()}, "
                f"expected 0 to {kinds - 1}"
            )
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        raise UserError(f"{name}: the images of x_train and x_test differ in size")


def _fetch(name: str) -> Arrays:
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
