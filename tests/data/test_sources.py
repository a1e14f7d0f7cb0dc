import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from ganad_tf.config import DataConfig
from ganad_tf.data import class_sets
from ganad_tf.data.class_sets import IDX_FILES, NPZ_KEYS
from ganad_tf.data.folder import load_folder
from ganad_tf.data.labeled import DEFECT_PIXEL, UNKNOWN_PIXEL
from ganad_tf.data.sources import SOURCES, load_splits
from ganad_tf.errors import UserError
from tests.support.parts import draw_part, save_part


def made_set(channels: int | None = None, classes: int = 10) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (28, 28) if channels is None else (32, 32, channels)
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
    data = SOURCES[name](28, None, folder if place == "data-dir" else None)
    assert np.array_equal(data.images[:100, :, :, 0], arrays["x_train"])
    assert np.array_equal(data.kinds[100:], arrays["y_test"])
    assert (data.official_split == "train").sum() == 100


def test_keras_cache_has_npz_files_at_its_top(no_usual_places: Path) -> None:
    cache = no_usual_places / "keras" / "datasets"
    cache.mkdir(parents=True)
    np.savez(cache / "mnist.npz", **made_set())
    assert len(SOURCES["mnist"](32, None, None)) == 140


@pytest.mark.parametrize(("name", "classes"), [("cifar10", 10), ("cifar100", 20)])
def test_color_sets_with_columns_of_labels(tmp_path: Path, name: str, classes: int) -> None:
    arrays = made_set(channels=3, classes=classes)
    arrays |= {key: arrays[key][:, np.newaxis] for key in ("y_train", "y_test")}
    np.savez(tmp_path / f"{name}.npz", **arrays)
    data = SOURCES[name](32, None, tmp_path)
    assert data.images.shape == (140, 32, 32, 3)
    assert len(data.kind_names) == classes


def test_missing_set_is_named_with_the_way_out(no_usual_places: Path) -> None:
    (no_usual_places / "empty").mkdir()
    with pytest.raises(UserError, match=r"has no cifar10: put cifar10\.npz"):
        SOURCES["cifar10"](32, None, no_usual_places / "empty")


@pytest.mark.parametrize("content", [b"not a zip", b"", b"PK\x03\x04 torn"])
def test_damaged_npz_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mnist.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"mnist\.npz is no data set in the keras\.datasets layout"):
        SOURCES["mnist"](32, None, tmp_path)


def test_single_array_and_damaged_member_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "mnist.npz").open("wb") as file:
        np.save(file, made_set()["x_train"])
    with pytest.raises(UserError, match="no data set in the keras"):
        SOURCES["mnist"](32, None, tmp_path)
    np.savez_compressed(tmp_path / "mnist.npz", **made_set())
    content = bytearray((tmp_path / "mnist.npz").read_bytes())
    content[2000:2400] = bytes(400)
    (tmp_path / "mnist.npz").write_bytes(content)
    with pytest.raises(UserError, match="no data set in the keras"):
        SOURCES["mnist"](32, None, tmp_path)


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
        SOURCES["mnist"](28, None, tmp_path)


def test_npz_without_an_array_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=made_set()["x_train"])
    with pytest.raises(UserError, match="y_train"):
        SOURCES["mnist"](32, None, tmp_path)


def test_truncated_idx_is_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, made_set())
    path = tmp_path / IDX_FILES["x_test"]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="no IDX file"):
        SOURCES["mnist"](32, None, tmp_path)


def test_digits_are_the_real_ones() -> None:
    data = SOURCES["digits"](16, None, None)
    assert data.images.shape == (1797, 16, 16, 1)
    assert data.images.max() == 255
    assert set(data.kinds.tolist()) == set(range(10))
    with pytest.raises(UserError, match="digits has 1 channels, not 3"):
        SOURCES["digits"](16, 3, None)
    with pytest.raises(UserError, match="leave out --data-dir"):
        SOURCES["digits"](16, None, Path("elsewhere"))


def test_unknown_source_and_class_out_of_range() -> None:
    with pytest.raises(UserError, match=r"unknown data set 'mnits': choose one of digits, mnist"):
        load_splits(DataConfig(dataset="mnits"), 0)
    with pytest.raises(UserError, match="normal class 10 is out of range"):
        load_splits(DataConfig(normal_class=10), 0)


def test_unseen_kinds_are_named() -> None:
    splits = load_splits(DataConfig(size=16, normal_class=2, unseen_kinds=("7", "9")), 0)
    assert {7, 9} <= set(splits.test.data.kinds.tolist())
    for split in (splits.train, splits.validation):
        assert not {7, 9} & set(split.data.kinds.tolist())


@pytest.mark.parametrize("name", ["2", "seven"])
def test_unseen_kinds_that_are_no_anomalies_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=rf"'{name}' is no kind .* among 0, 1, 3, 4, .*, 9$"):
        load_splits(DataConfig(size=16, normal_class=2, unseen_kinds=(name,)), 0)


def test_folder_of_mixed_pictures(part_folder: Path) -> None:
    data = load_folder(32, None, part_folder)
    assert data.images.shape == (34, 32, 32, 1)
    assert data.kind_names == ("normal", "scratch", "stain")
    assert np.bincount(data.kinds).tolist() == [20, 8, 6]
    assert "scratch/part 0.png" in data.names


def test_folder_of_color_pictures_and_asked_for_grey(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for kind in ("normal", "dent"):
        (tmp_path / kind).mkdir()
        pixels = rng.integers(0, 256, (40, 50, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / kind / "a.png")
    assert load_folder(16, None, tmp_path).images.shape == (2, 16, 16, 3)
    assert load_folder(16, 1, tmp_path).images.shape == (2, 16, 16, 1)


def test_folder_in_the_layout_of_mvtec(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layout = {"train/good": 6, "test/good": 4, "test/scratch": 5, "test/stain": 3}
    for folder, count in layout.items():
        (tmp_path / folder).mkdir(parents=True)
        for index in range(count):
            kind = folder.split("/")[1]
            save_part(tmp_path / folder / f"{index:03}.png", kind, 32, rng)
    masks = tmp_path / "ground_truth" / "scratch"
    masks.mkdir(parents=True)
    save_part(masks / "000_mask.png", "scratch", 32, rng)
    data = load_folder(32, None, tmp_path)
    assert np.bincount(data.kinds).tolist() == [10, 5, 3]
    is_normal = data.kinds == 0
    assert (data.official_split[is_normal] == "test").sum() == 4
    assert set(data.official_split[~is_normal].tolist()) == {""}
    config = DataConfig(dataset="folder", data_dir=str(tmp_path), test_fraction=0.4)
    splits = load_splits(config, 0)
    assert splits.test.data.kinds.tolist().count(0) == 4
    assert not {*splits.train.data.names} & {*splits.test.data.names}


@pytest.mark.parametrize("folder", ["masks", ".ipynb_checkpoints", "normal/masks", "stain/.trash"])
def test_masks_and_hidden_folders_are_not_parts(part_folder: Path, folder: str) -> None:
    (part_folder / folder).mkdir()
    save_part(part_folder / folder / "a.png", "scratch", 32, np.random.default_rng(0))
    data = load_folder(32, None, part_folder)
    assert np.bincount(data.kinds).tolist() == [20, 8, 6]


def test_a_loop_of_links_ends(part_folder: Path) -> None:
    (part_folder / "stain" / "loop").symlink_to(part_folder)
    assert len(load_folder(32, None, part_folder)) == 34


def test_a_folder_that_cannot_be_listed_is_named_and_left_out(
    part_folder: Path, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    """Root may list everything, so the refusal of the system is put in its place."""

    def scandir(path):
        if str(path).endswith("stain"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    assert load_folder(32, None, part_folder).kind_names == ("normal", "scratch")
    assert "stain cannot be listed (Permission denied)" in log.text


def test_channels_are_those_of_the_normal_pictures(part_folder: Path) -> None:
    (part_folder / "a dent").mkdir()
    Image.new("RGB", (40, 40)).save(part_folder / "a dent" / "a.png")
    assert load_folder(32, None, part_folder).images.shape[3] == 1


def test_folders_that_cannot_be_used(tmp_path: Path, part_folder: Path) -> None:
    with pytest.raises(UserError, match="needs --data-dir"):
        load_folder(32, None, None)
    with pytest.raises(UserError, match="is not a folder"):
        load_folder(32, None, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no pictures of normal parts"):
        load_folder(32, None, tmp_path / "empty")
    (tmp_path / "good only" / "normal").mkdir(parents=True)
    part = draw_part("normal", 32, np.random.default_rng(0))
    Image.fromarray(part).save(tmp_path / "good only" / "normal" / "a.png")
    with pytest.raises(UserError, match=r"no defective pictures.* --anomalies synthetic"):
        load_splits(DataConfig("folder", str(tmp_path / "good only")), 0)
    with pytest.raises(UserError, match="leave out --normal-class"):
        load_splits(DataConfig("folder", str(part_folder), normal_class=1), 0)


@pytest.mark.parametrize("content", [b"", b"text, not a picture", b"\x89PNG\r\n\x1a\n torn"])
@pytest.mark.parametrize("name", ["scratch/broken.png", "normal/ broken.png"])
def test_picture_that_cannot_be_read_is_named_and_left_out(
    part_folder: Path, content: bytes, name: str, log: pytest.LogCaptureFixture
) -> None:
    (part_folder / name).write_bytes(content)
    data = load_folder(32, None, part_folder)
    assert len(data) == 34
    assert name not in data.names
    assert f"{name} cannot be" in log.text


def test_truncated_picture_is_named_and_left_out(
    part_folder: Path, log: pytest.LogCaptureFixture
) -> None:
    path = part_folder / "stain" / "part 1.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    assert len(load_folder(32, None, part_folder, "near-duplicates")) == 33
    assert "part 1.jpg cannot be decoded" in log.text


def test_pictures_none_of_which_can_be_read(part_folder: Path) -> None:
    for path in (part_folder / "normal").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="no pictures of normal parts"):
        load_folder(32, None, part_folder)


def exposures(root: Path, parts: int, rng: np.random.Generator) -> None:
    """Write three pictures each of some normal and some stained parts, of different exposure."""
    for kind in ("normal", "stain"):
        (root / kind).mkdir(parents=True)
        for number in range(parts):
            smooth = gaussian_filter(rng.normal(size=(60, 70)), 4)
            part = 120 + 30 * smooth / smooth.std()
            for exposure, gain in (("a", 0.7), ("b", 1.0), ("c", 1.2)):
                pixels = np.clip(part * gain, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(root / kind / f"lot1_{number:02}_{exposure}.png")


@pytest.mark.parametrize("group_by", ["near-duplicates", r"(.*lot\d_\d+)_\w", r".*lot\d_\d+"])
def test_pictures_of_a_part_are_in_the_same_split(tmp_path: Path, group_by: str) -> None:
    exposures(tmp_path, 8, np.random.default_rng(0))
    data = load_folder(32, None, tmp_path, group_by)
    parts = [name[:-6] for name in data.names.tolist()]
    assert len(set(zip(parts, data.groups.tolist(), strict=True))) == len(set(parts)) == 16
    config = DataConfig("folder", str(tmp_path), group_by=group_by)
    found = [
        {name[:-6] for name in split.data.names.tolist()}
        for _, split in load_splits(config, 0).items()
    ]
    assert sum(map(len, found)) == 16


def test_a_list_names_the_parts(tmp_path: Path) -> None:
    exposures(tmp_path, 3, np.random.default_rng(0))
    rows = [
        f"{path.relative_to(tmp_path)},{path.parent.name},{path.name[:7] if number % 2 else ''}"
        for number, path in enumerate(sorted(tmp_path.glob("*/*.png")))
    ]
    (tmp_path / "list.csv").write_text("path,kind,group\n" + "\n".join(rows))
    data = load_folder(32, None, tmp_path / "list.csv")
    # Nine pictures without a part, and the three parts of both kinds.
    assert len(set(data.groups.tolist())) == 9 + 3
    assert data.kind_names == ("normal", "stain")


@pytest.mark.parametrize(
    ("group_by", "message"),
    [
        ("(", r"--group-by '\(' is no regular expression"),
        (r"lot(\d)", r"finds no part in normal/part 0\.png: change the pattern"),
        (r"(z)?", r"finds no part in normal/part 0\.png"),
        ("a{99999999999}", "is no regular expression"),
    ],
)
def test_parts_that_cannot_be_told(part_folder: Path, group_by: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_folder(32, None, part_folder, group_by)


def test_images_of_a_class_set_have_no_parts() -> None:
    with pytest.raises(UserError, match="each image of digits is of a part of its own"):
        load_splits(DataConfig(size=16, group_by="near-duplicates"), 0)


def masked_parts(root: Path) -> None:
    """One normal part, one with a mask of a corner and one of a pixel, one without a mask."""
    rng = np.random.default_rng(0)
    for name in ("normal/a", "dent/corner", "dent/pixel", "dent/none"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        save_part(root / f"{name}.png", "normal", 64, rng)
    masks = np.zeros((2, 64, 64), np.uint8)
    masks[0, :16, :32] = 255
    masks[1, 40, 50] = 1
    (root / "masks" / "dent").mkdir(parents=True)
    for mask, name in zip(masks, ("corner", "pixel"), strict=True):
        Image.fromarray(mask).save(root / "masks" / "dent" / f"{name}.png")


def test_masks_are_scaled_with_their_pictures_and_none_is_lost(tmp_path: Path) -> None:
    masked_parts(tmp_path)
    data = load_folder(16, None, tmp_path)
    assert data.masks is not None
    masks = dict(zip(data.names.tolist(), data.masks, strict=True))
    corner = np.zeros((16, 16), np.uint8)
    corner[:4, :8] = DEFECT_PIXEL
    assert np.array_equal(masks["dent/corner.png"], corner)
    assert np.argwhere(masks["dent/pixel.png"] == DEFECT_PIXEL).tolist() == [[10, 12]]
    assert np.all(masks["dent/none.png"] == UNKNOWN_PIXEL)
    assert not masks["normal/a.png"].any()
    taken = data.take(np.array([1, 0]))
    assert taken.masks is not None
    assert np.array_equal(taken.masks, data.masks[[1, 0]])


def test_a_folder_without_masks_has_none(part_folder: Path) -> None:
    assert load_folder(16, None, part_folder).masks is None


def test_a_mask_that_does_not_fit_or_open_is_named_and_left_out(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    masked_parts(tmp_path)
    Image.new("L", (64, 60)).save(tmp_path / "masks" / "dent" / "pixel.png")
    (tmp_path / "masks" / "dent" / "corner.png").write_bytes(b"")
    data = load_folder(16, None, tmp_path)
    assert data.masks is not None
    assert np.all(data.masks[data.kinds > 0] == UNKNOWN_PIXEL)
    assert "mask of dent/pixel.png, which has 60 x 64 pixels, the picture 64 x 64" in log.text
    assert "dent/corner.png cannot be read" in log.text
