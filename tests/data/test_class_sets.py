"""Class data sets are read from every place and layout, and damage is one clear error."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from ganad_tf.config import DataConfig
from ganad_tf.data import class_sets
from ganad_tf.data.class_sets import IDX_FILES, NPZ_KEYS
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.sources import SOURCES, load_splits
from ganad_tf.errors import UserError


def load(dataset: str, data_dir: Path | str | None = None, **settings) -> LabeledImages:
    return SOURCES[dataset](DataConfig(dataset, data_dir, **{"size": 32, **settings}))


def made_set(channels: int | None = None, classes: int = 10) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (32, 32) if channels is None else (32, 32, channels)
    return {
        "x_train": rng.integers(0, 256, (100, *shape), np.uint8),
        "y_train": np.arange(100, dtype=np.uint8) % classes,
        "x_test": rng.integers(0, 256, (40, *shape), np.uint8),
        "y_test": np.arange(40, dtype=np.uint8) % classes,
    }


def write_idx(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for key in NPZ_KEYS:
        array = arrays[key]
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        (folder / IDX_FILES[key]).write_bytes(gzip.compress(header + array.tobytes()))


@pytest.mark.parametrize("illumination", ["as-taken", "contrast"])
def test_a_letterboxed_set_holds_its_squares(illumination: str) -> None:
    settings = {"dataset": "digits", "illumination": illumination}
    wide, square = (
        load_splits(DataConfig(**settings, **more), 0).train.data
        for more in ({"size": (16, 48), "fit": "letterbox"}, {"size": 16})
    )
    assert np.array_equal(wide.images[:, :, 16:32], square.images)
    assert np.array_equal(wide.measurements, square.measurements)
    means = np.floor(square.images.mean(axis=(1, 2)) + 0.5)
    assert np.array_equal(wide.images[:, 3, 40], means)
    assert wide.boxes.tolist() == [[0, 16, 16, 16]] * len(wide)


def test_a_native_set_has_one_size() -> None:
    with pytest.raises(UserError, match=r"each image of digits has 8 x 8 pixels, but .* 16 x 16"):
        load("digits", size=16, fit="native")


@pytest.fixture
def no_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Debian's data sets and with an empty Keras cache."""
    monkeypatch.setattr(class_sets, "DEBIAN_DATASETS", tmp_path / "debian")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("layout", ["npz", "idx"])
@pytest.mark.parametrize("place", ["data-dir", "debian", "keras"])
def test_grey_sets_from_every_place_and_layout(
    no_usual_places: Path, name: str, layout: str, place: str
) -> None:
    arrays = made_set()
    folders = {
        "data-dir": no_usual_places / "mine",
        "debian": no_usual_places / "debian" / name,
        "keras": no_usual_places / "keras" / "datasets" / name,
    }
    folder = folders[place]
    if layout == "idx":
        write_idx(folder, arrays)
    else:
        folder.mkdir(parents=True)
        np.savez(folder / f"{name}.npz", **arrays)
    data = load(name, folder if place == "data-dir" else None)
    assert np.array_equal(data.images[:100, :, :, 0], arrays["x_train"])
    assert np.array_equal(data.kinds[100:], arrays["y_test"])
    assert (data.official_split == "train").sum() == 100


def test_keras_cache_has_npz_files_at_its_top(no_usual_places: Path) -> None:
    cache = no_usual_places / "keras" / "datasets"
    cache.mkdir(parents=True)
    np.savez(cache / "mnist.npz", **made_set())
    assert len(load("mnist")) == 140


@pytest.mark.parametrize(("name", "classes"), [("cifar10", 10), ("cifar100", 20)])
def test_color_sets_with_columns_of_labels(tmp_path: Path, name: str, classes: int) -> None:
    arrays = made_set(channels=3, classes=classes)
    arrays |= {key: arrays[key][:, np.newaxis] for key in ("y_train", "y_test")}
    np.savez(tmp_path / f"{name}.npz", **arrays)
    data = load(name, tmp_path)
    assert data.images.shape == (140, 32, 32, 3)
    assert len(data.kind_names) == classes


def test_missing_set_is_named_with_the_way_out(no_usual_places: Path) -> None:
    (no_usual_places / "empty").mkdir()
    with pytest.raises(UserError, match=r"has no cifar10: put cifar10\.npz"):
        load("cifar10", no_usual_places / "empty")


@pytest.mark.parametrize("content", [b"not a zip", b"", b"PK\x03\x04 torn"])
def test_damaged_npz_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mnist.npz").write_bytes(content)
    with pytest.raises(
        UserError, match=r"mnist\.npz is not a data set in the keras\.datasets layout"
    ):
        load("mnist", tmp_path)


def test_single_array_and_damaged_member_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "mnist.npz").open("wb") as file:
        np.save(file, made_set()["x_train"])
    with pytest.raises(UserError, match="not a data set in the keras"):
        load("mnist", tmp_path)
    np.savez_compressed(tmp_path / "mnist.npz", **made_set())
    content = bytearray((tmp_path / "mnist.npz").read_bytes())
    content[2000:2400] = bytes(400)
    (tmp_path / "mnist.npz").write_bytes(content)
    with pytest.raises(UserError, match="not a data set in the keras"):
        load("mnist", tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": np.zeros(5, np.uint8)}, "as many labels as x_train has images, 100, got 5"),
        ({"y_test": np.full(40, 10)}, "labels 10 to 10, expected 0 to 9"),
        ({"y_test": np.full(40, -1)}, "labels -1 to -1"),
        ({"y_test": np.full(40, "cat")}, "got 40 of <U3"),
        ({"x_test": np.zeros((40, 28, 28))}, "must be uint8 images, got float64"),
        ({"x_test": np.zeros((40, 20, 20), np.uint8)}, "differ in size"),
        ({"x_test": np.zeros((0, 28, 28), np.uint8)}, "must be uint8 images"),
    ],
)
def test_npz_with_wrong_arrays_is_refused(tmp_path: Path, changes: dict, message: str) -> None:
    np.savez(tmp_path / "mnist.npz", **{**made_set(), **changes})
    with pytest.raises(UserError, match=message):
        load("mnist", tmp_path)


def test_npz_without_an_array_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=made_set()["x_train"])
    with pytest.raises(UserError, match="y_train"):
        load("mnist", tmp_path)


def test_truncated_idx_is_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, made_set())
    path = tmp_path / IDX_FILES["x_test"]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="not an IDX file"):
        load("mnist", tmp_path)


def test_digits_are_the_real_ones() -> None:
    data = load("digits", size=16)
    assert data.images.shape == (1797, 16, 16, 1)
    assert data.images.max() == 255
    assert set(data.kinds.tolist()) == set(range(10))
    with pytest.raises(UserError, match="digits has 1 channels, not 3"):
        load("digits", size=16, channels=3)
    with pytest.raises(UserError, match="leave out --data-dir"):
        load("digits", Path("elsewhere"), size=16)


def test_images_of_a_class_set_have_no_parts() -> None:
    with pytest.raises(UserError, match="each image of digits shows a part of its own"):
        load_splits(DataConfig(size=16, group_by="near-duplicates"), 0)
