"""Pictures of folders and lists are loaded with their masks and parts, each decoded once."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from ganad_tf.config import DataConfig, make_config
from ganad_tf.data.folder import load_folder
from ganad_tf.data.labeled import DEFECT_PIXEL, UNKNOWN_PIXEL, LabeledImages
from ganad_tf.data.sources import load_splits
from ganad_tf.errors import UserError
from tests.support.parts import count_decodings, draw_part, save_part


def load(data_dir: Path | str | None = None, **settings) -> LabeledImages:
    return load_folder(DataConfig("folder", data_dir, **{"size": 32, **settings}))


def test_folder_of_mixed_pictures(part_folder: Path) -> None:
    data = load(part_folder)
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
    assert load(tmp_path, size=16).images.shape == (2, 16, 16, 3)
    assert load(tmp_path, size=16, channels=1).images.shape == (2, 16, 16, 1)


@pytest.fixture
def mvtec_folder(tmp_path: Path) -> Path:
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
    return tmp_path


def test_the_protocol_of_mvtec_keeps_all_defects_for_the_test(mvtec_folder: Path) -> None:
    data = {"dataset": "folder", "data_dir": str(mvtec_folder), "protocol": "mvtec"}
    config = make_config({"data": {**data, "anomaly_source": "synthetic"}})
    splits = load_splits(config.data, 0)
    tested = {name for name in splits.test.data.names.tolist() if "good" not in name}
    assert len(tested) == 8
    assert all(name.startswith("test/") for name in splits.test.data.names.tolist())
    for split in (splits.train, splits.validation):
        anomalies = split.data.names[split.is_anomaly].tolist()
        assert anomalies
        assert not any(name.startswith("test/") for name in anomalies)
        assert all(name.startswith("train/good") for name in split.data.names[~split.is_anomaly])
    with pytest.raises(UserError, match=r"on good pictures alone: set data\.anomaly_source"):
        make_config({"data": data})


def test_folder_in_the_layout_of_mvtec(mvtec_folder: Path) -> None:
    tmp_path = mvtec_folder
    data = load(tmp_path)
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
    data = load(part_folder)
    assert np.bincount(data.kinds).tolist() == [20, 8, 6]


def test_a_loop_of_links_ends(part_folder: Path) -> None:
    (part_folder / "stain" / "loop").symlink_to(part_folder)
    assert len(load(part_folder)) == 34


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
    assert load(part_folder).kind_names == ("normal", "scratch")
    assert "stain cannot be listed (Permission denied)" in log.text


def test_channels_are_those_of_the_normal_pictures(part_folder: Path) -> None:
    (part_folder / "a dent").mkdir()
    Image.new("RGB", (40, 40)).save(part_folder / "a dent" / "a.png")
    assert load(part_folder).images.shape[3] == 1


def test_folders_that_cannot_be_used(tmp_path: Path, part_folder: Path) -> None:
    with pytest.raises(UserError, match="needs --data-dir"):
        load()
    with pytest.raises(UserError, match="is not a folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no pictures of normal parts"):
        load(tmp_path / "empty")
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
    data = load(part_folder)
    assert len(data) == 34
    assert name not in data.names
    assert f"{name} cannot be" in log.text


def test_truncated_picture_is_named_and_left_out(
    part_folder: Path, log: pytest.LogCaptureFixture
) -> None:
    path = part_folder / "stain" / "part 1.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    assert len(load(part_folder, group_by="near-duplicates")) == 33
    assert "part 1.jpg cannot be decoded" in log.text


def test_pictures_none_of_which_can_be_read(part_folder: Path) -> None:
    for path in (part_folder / "normal").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="no pictures of normal parts"):
        load(part_folder)


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
    data = load(tmp_path, group_by=group_by)
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
    data = load(tmp_path / "list.csv")
    # Nine pictures without a part, and the three parts of both kinds.
    assert len(set(data.groups.tolist())) == 9 + 3
    assert data.kind_names == ("normal", "stain")


@pytest.mark.parametrize(
    ("group_by", "message"),
    [
        ("(", r"--group-by '\(' is not a regular expression"),
        (r"lot(\d)", r"finds no part in normal/part 0\.png: change the pattern"),
        (r"(z)?", r"finds no part in normal/part 0\.png"),
        ("a{99999999999}", "is not a regular expression"),
    ],
)
def test_parts_that_cannot_be_told(part_folder: Path, group_by: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(part_folder, group_by=group_by)


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


def test_letterboxed_pictures_keep_their_aspect_ratio_with_their_masks(tmp_path: Path) -> None:
    masked_parts(tmp_path)
    data, stretched = (load(tmp_path, size=(32, 64), fit=fit) for fit in ("letterbox", "stretch"))
    assert data.images.shape == (4, 32, 64, 1)
    assert data.boxes is not None
    assert data.boxes.tolist() == [[0, 16, 32, 32]] * 4
    assert stretched.boxes is None
    assert np.array_equal(data.measurements[:, :2], stretched.measurements[:, :2])
    square = load(tmp_path, size=32)
    assert np.array_equal(data.images[:, :, 16:48], square.images)
    assert data.masks is not None
    assert square.masks is not None
    is_known = np.all(square.masks != UNKNOWN_PIXEL, axis=(1, 2))
    assert np.array_equal(data.masks[is_known, :, 16:48], square.masks[is_known])
    assert not data.masks[is_known, :, :16].any()
    assert data.take(np.array([1])).boxes.tolist() == [[0, 16, 32, 32]]


def test_native_pictures_are_taken_as_they_are_and_others_are_refused(tmp_path: Path) -> None:
    masked_parts(tmp_path)
    data = load(tmp_path, size=64, fit="native")
    assert np.array_equal(data.images, load(tmp_path, size=64).images)
    with pytest.raises(UserError, match=r"has 64 x 64 pixels, but .* of 48 x 64 .*--fit letterbox"):
        load(tmp_path, size=(48, 64), fit="native")


def test_masks_are_scaled_with_their_pictures_and_none_is_lost(tmp_path: Path) -> None:
    masked_parts(tmp_path)
    data = load(tmp_path, size=16)
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
    assert load(part_folder, size=16).masks is None


def test_a_mask_that_does_not_fit_or_open_is_named_and_left_out(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    masked_parts(tmp_path)
    Image.new("L", (64, 60)).save(tmp_path / "masks" / "dent" / "pixel.png")
    (tmp_path / "masks" / "dent" / "corner.png").write_bytes(b"")
    data = load(tmp_path, size=16)
    assert data.masks is not None
    assert np.all(data.masks[data.kinds > 0] == UNKNOWN_PIXEL)
    assert "mask of dent/pixel.png, which has 60 x 64 pixels, the picture 64 x 64" in log.text
    assert "dent/corner.png cannot be read" in log.text


@pytest.mark.parametrize("group_by", [None, "near-duplicates"])
def test_each_picture_and_each_mask_is_decoded_once(tmp_path: Path, group_by: str | None) -> None:
    masked_parts(tmp_path)
    with count_decodings() as decoded:
        assert len(load(tmp_path, group_by=group_by)) == 4
    assert len(decoded) == 4 + 2


def test_the_folder_may_be_a_string(part_folder: Path) -> None:
    first, second = load(part_folder), load(str(part_folder))
    assert np.array_equal(first.images, second.images)
