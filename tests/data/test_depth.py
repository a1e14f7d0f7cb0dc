"""The white level of a folder's pictures, and what is said about their depth."""

import dataclasses
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import ganad_tf
from ganad_station.bundle import Bundle
from ganad_station.inspector import Inspector
from ganad_station.manifest import Manifest
from ganad_tf.cli import cli
from ganad_tf.config import DataConfig, RunConfig
from ganad_tf.data.depth import settle_levels, survey_depth
from ganad_tf.data.folder import load_folder
from ganad_tf.data.place import list_pictures
from ganad_tf.data.sources import load_splits
from ganad_tf.errors import UserError
from ganad_tf.run import Run
from tests.support.deep_files import write_png, write_tiff
from tests.support.parts import draw_part
from tests.support.programs import run_program
from tests.support.stations import change_manifest

SIDE = 32


def deep_part(kind: str, rng: np.random.Generator, shift: int = 4) -> np.ndarray:
    return draw_part(kind, SIDE, rng).astype(np.uint16) << np.uint16(shift)


def write_deep_parts(root: Path, shift: int = 4) -> None:
    """Write 12 good and 6 scratched parts, 8-bit levels shifted to the left, as PNG and TIFF."""
    rng = np.random.default_rng(0)
    for kind, count in (("normal", 12), ("scratch", 6)):
        (root / kind).mkdir(parents=True)
        for number in range(count):
            part, path = deep_part(kind, rng, shift), root / kind / f"{number:02}"
            if number % 3 == 0:
                write_png(path.with_suffix(".png"), part)
            else:
                write_tiff(path.with_suffix(".tif"), part, "<" if number % 3 == 1 else ">")


def folder_config(root: Path, **settings: object) -> RunConfig:
    return RunConfig(data=DataConfig("folder", str(root), **{"size": SIDE, **settings}))


def test_pictures_of_a_camera_with_more_than_8_bits_keep_their_levels(tmp_path: Path) -> None:
    """Field report: 8-bit pictures saved with 12 bits were left with six levels."""
    write_deep_parts(tmp_path)
    config = settle_levels(folder_config(tmp_path))
    assert config.data.levels == 4080
    data = load_folder(config.data)
    rng = np.random.default_rng(0)
    expected = [draw_part("normal", SIDE, rng) for _ in range(12)]
    by_name = dict(zip(data.names.tolist(), data.images, strict=True))
    for number, part in enumerate(expected):
        name = f"normal/{number:02}.{'png' if number % 3 == 0 else 'tif'}"
        assert np.array_equal(by_name[name][:, :, 0], part)


def test_real_12_bits_are_rounded_to_8(tmp_path: Path) -> None:
    write_deep_parts(tmp_path)
    levels = np.random.default_rng(1).integers(0, 4096, (SIDE, SIDE)).astype(np.uint16)
    write_png(tmp_path / "normal" / "all.png", levels)
    config = settle_levels(folder_config(tmp_path))
    assert config.data.levels == 4095
    data = load_folder(config.data)
    image = data.images[data.names.tolist().index("normal/all.png")]
    assert np.array_equal(image[:, :, 0], np.floor(levels.astype(float) * 255 / 4095 + 0.5))


def test_the_white_level_is_recorded_and_settled_once(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    write_deep_parts(tmp_path / "parts")
    log.set_level(logging.INFO, "ganad_tf")
    config = settle_levels(folder_config(tmp_path / "parts"))
    assert "white level 4080, 8 bits in the upper bits of 12" in log.text
    assert settle_levels(config) == config
    run = Run.create(tmp_path / "run", config, load_splits(config.data, config.seed))
    opened = Run.open(run.folder)
    assert opened.config.data.levels == 4080
    assert opened.splits.train.fingerprint() == run.splits.train.fingerprint()


def test_pictures_of_the_test_split_do_not_set_the_white_level(tmp_path: Path) -> None:
    write_deep_parts(tmp_path)
    rows = ["path,label,split"]
    for path in sorted(tmp_path.glob("*/*")):
        label = path.parent.name
        rows.append(f"{path.relative_to(tmp_path)},{label},{'test' if '05' in path.name else ''}")
    bright = tmp_path / "normal" / "05.tif"
    write_tiff(bright, np.full((SIDE, SIDE), 60_001, np.uint16))
    (tmp_path / "list.csv").write_text("\n".join(rows))
    assert settle_levels(folder_config(tmp_path / "list.csv")).data.levels == 4080
    assert settle_levels(folder_config(tmp_path)).data.levels == 65535


def test_under_the_protocol_of_mvtec_no_defect_of_the_test_sets_the_white_level(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    for folder, shift in (("train/good", 4), ("test/good", 4), ("test/scratch", 8)):
        (tmp_path / folder).mkdir(parents=True)
        write_png(tmp_path / folder / "0.png", deep_part("normal", rng, shift))
    strict = folder_config(tmp_path, protocol="mvtec", anomaly_source="synthetic")
    assert settle_levels(strict).data.levels == 4080
    assert settle_levels(folder_config(tmp_path)).data.levels == 65520


def test_pictures_with_8_bits_have_no_white_level(
    part_folder: Path, log: pytest.LogCaptureFixture
) -> None:
    config = folder_config(part_folder)
    assert settle_levels(config) is config
    digits = RunConfig()
    assert settle_levels(digits) is digits
    assert not log.records


def test_mixed_depths_are_named(part_folder: Path, log: pytest.LogCaptureFixture) -> None:
    part = deep_part("stain", np.random.default_rng(0))
    write_tiff(part_folder / "stain" / "deep.tif", part)
    config = settle_levels(folder_config(part_folder))
    assert (
        "of 35 pictures, 34 with 8 bits per channel keep their levels, and 1 with more" in log.text
    )
    data = load_folder(config.data)
    image = data.images[data.names.tolist().index("stain/deep.tif")]
    assert np.array_equal(image[:, :, 0], part >> 4)
    before = load_folder(folder_config(part_folder).data)
    is_deep = data.names == "stain/deep.tif"
    assert np.array_equal(data.images[~is_deep], before.images[~is_deep])


def test_levels_above_a_given_white_level_are_clipped_and_named(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    write_deep_parts(tmp_path)
    config = settle_levels(folder_config(tmp_path, levels=2000))
    assert config.data.levels == 2000
    assert "there are levels up to 4" in log.text
    data = load_folder(config.data)
    assert data.images[data.kinds == 1].max() == 255
    # The fraction of white pixels is measured as that of any other overexposed picture.
    assert data.measurements is not None
    white = (data.images == 255).mean(axis=(1, 2, 3))
    assert data.measurements[:, 9] == pytest.approx(white)
    assert white.max() > 0


def test_files_of_several_pages_are_named(
    tmp_path: Path, log: pytest.LogCaptureFixture, bundle_folder: Path
) -> None:
    write_deep_parts(tmp_path / "parts")
    pages = [Image.new("L", (SIDE, SIDE), level) for level in (90, 200)]
    for name in ("a.tif", "b.tif"):
        path = tmp_path / "parts" / "normal" / name
        pages[0].save(path, save_all=True, append_images=pages[1:])
    thumbnail = tmp_path / "parts" / "normal" / "thumbnail.tif"
    infos = [{}, {254: 1}]
    with Image.new("L", (SIDE, SIDE), 90) as whole:
        small = whole.resize((4, 4))
        small.encoderinfo = {"tiffinfo": infos[1]}
        whole.save(thumbnail, save_all=True, append_images=[small])
    found = survey_depth(list_pictures(tmp_path / "parts").pictures)
    assert found.several_pages == ("normal/a.tif", "normal/b.tif")
    settle_levels(folder_config(tmp_path / "parts"))
    assert "only the first page is used (normal/a.tif, normal/b.tif): save" in log.text
    result = run_program(bundle_folder, "score", tmp_path / "parts" / "normal", "--any-picture")
    assert result.stderr.count("has several pages: only the first page") == 1


def test_only_folders_have_a_white_level() -> None:
    with pytest.raises(UserError, match="leave out --levels"):
        load_splits(DataConfig(size=16, levels=4095), 0)
    for level in (0, 65536):
        with pytest.raises(UserError, match="levels must be between 1 and 65535"):
            DataConfig(levels=level)


def test_training_and_station_and_python_compute_the_same_pixels(
    small_run: Run, copied: Path, tmp_path: Path
) -> None:
    taken = dataclasses.replace(Manifest.read(copied).input, white_level=4080)
    change_manifest(copied, input={**taken.to_dict()})
    assert Manifest.read(copied).input == taken
    write_deep_parts(tmp_path / "parts")
    data = load_folder(DataConfig("folder", str(tmp_path / "parts"), size=16, levels=4080))
    inspector = Inspector(Bundle.open(copied), any_picture=True)
    run = Path(shutil.copytree(small_run.folder, tmp_path / "run"))
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace("[data]", "[data]\nlevels = 4080"))
    detectors = [ganad_tf.Detector.load(folder) for folder in (copied, run)]
    assert [detector.white_level for detector in detectors] == [4080, 4080]
    for name, image in zip(data.names.tolist(), data.images, strict=True):
        path = tmp_path / "parts" / name
        inspection = inspector.inspect(path)
        assert np.array_equal(inspection.image, image)
        with Image.open(path) as opened:
            levels = np.asarray(opened).astype(np.uint16)
        for detector in detectors:
            for picture in (path, levels, levels[:, :, np.newaxis]):
                assert np.array_equal(detector.predict(picture).image, image)
        assert detectors[0].predict(levels).score == inspection.score


def test_a_frame_above_the_white_level_is_an_error_at_the_station(
    small_run: Run, copied: Path, tmp_path: Path
) -> None:
    taken = dataclasses.replace(Manifest.read(copied).input, white_level=4095)
    change_manifest(copied, input={**taken.to_dict()})
    good = small_run.splits.test.normals[0][:, :, 0].astype(np.int64)
    write_png(tmp_path / "good.png", ((good * 4095 + 127) // 255).astype(np.uint16))
    write_png(tmp_path / "bright.png", np.full(good.shape, 60_000, np.uint16))
    inspector = Inspector(Bundle.open(copied))
    assert inspector.inspect(tmp_path / "good.png").problem is None
    bright = inspector.inspect(tmp_path / "bright.png")
    assert bright.image.min() == 255
    assert bright.problem is not None
    assert bright.problem.startswith("unlike the training pictures (too bright: 255")


@pytest.mark.slow
def test_from_the_command_line_to_the_station(tmp_path: Path) -> None:
    write_deep_parts(tmp_path / "parts")
    data = ["--dataset", "folder", "--data-dir", str(tmp_path / "parts"), "--size", "16"]
    names = ["--runs", str(tmp_path), "--name", "run"]
    run = tmp_path / "run"
    for command in (
        ["train", *data, *names, "--epochs", "1", "--batch-size", "4"],
        ["export", "--run", str(run), "--max-drop", "1", "--accept-undecided"],
    ):
        result = CliRunner().invoke(cli, command)
        assert result.exit_code == 0, result.output
    opened = Run.open(run)
    assert opened.config.data.levels == 4080
    inspector = Inspector(Bundle.open(run / "bundles" / "cpu"))
    assert inspector.bundle.manifest.input.white_level == 4080
    images = opened.splits.test.data
    for name, image in zip(images.names.tolist(), images.images, strict=True):
        assert np.array_equal(inspector.read(tmp_path / "parts" / name)[0], image)
