"""What becomes of the files that a user has put into a bundle when it is exported again."""

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ganad_station.bundle import Bundle
from ganad_station.calibration import CALIBRATION_FILE, Calibration
from ganad_station.files import sha256
from ganad_station.manifest import MANIFEST_FILE, Manifest
from ganad_station.score import ScoreRule
from ganad_tf.exporting.carry_over import VOID_CALIBRATION_FILE, carry_over
from ganad_tf.exporting.manifest import write_manifest

MODEL, ENGINE = "model.tflite", "model.engine"
CALIBRATE_AGAIN = "calibrate again with ganad-tf calibrate or station.pyz calibrate"


@pytest.fixture
def new(bundle_folder: Path, tmp_path: Path) -> Path:
    """The same bundle as `copied`, exported again."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "new"))


def change_model(folder: Path, name: str = MODEL) -> None:
    """Change a model file and the manifest, as an export of another generator does."""
    with (folder / name).open("ab") as file:
        file.write(b"another")
    change_manifest(folder, files={name: sha256(folder / name)})


def change_manifest(folder: Path, files: dict[str, str] | None = None, **changes: object) -> None:
    manifest = Manifest.read(folder)
    changes["files"] = {**manifest.files, **(files or {})}
    write_manifest(folder, dataclasses.replace(manifest, **changes))


def change_illumination(folder: Path) -> None:
    taken = Manifest.read(folder).input
    change_manifest(folder, input=dataclasses.replace(taken, illumination="brightness"))


def calibrate(folder: Path, model: str = MODEL) -> Calibration:
    calibration = Calibration.make(folder / model, [0.1, 0.25], 0.5, 0.7)
    calibration.write(folder)
    return calibration


def test_everything_stays_if_the_models_are_the_same(
    copied: Path, new: Path, log: pytest.LogCaptureFixture
) -> None:
    log.set_level(logging.INFO, "ganad_tf")
    calibration = calibrate(copied)
    (copied / ENGINE).write_bytes(b"compiled")
    (copied / "maps").mkdir()
    (copied / "maps" / "part.png").write_bytes(b"picture")
    (copied / "gone").symlink_to("nowhere")
    carry_over(copied, new, Manifest.read(new))
    assert Calibration.read(new) == calibration
    assert Bundle.open(new).threshold == 0.25
    assert (new / ENGINE).read_bytes() == b"compiled"
    assert (new / "maps" / "part.png").read_bytes() == b"picture"
    assert (new / "gone").readlink() == Path("nowhere")
    assert f"kept in {copied}: gone, maps, {ENGINE}" in log.text
    assert f"calibration of {copied} is kept, threshold 0.25000" in log.text
    assert "is void" not in log.text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_model, "model.tflite has changed"),
        (lambda new: (new / MODEL).unlink(), "model.tflite is gone"),
        (lambda new: change_manifest(new, score=ScoreRule(4, 2)), "the score rule has changed"),
        (change_illumination, "the illumination of the images have changed"),
    ],
)
def test_a_calibration_is_void_if_its_scores_have_changed(
    copied: Path,
    new: Path,
    log: pytest.LogCaptureFixture,
    change: Callable[[Path], None],
    reason: str,
) -> None:
    calibrate(copied)
    set_by_hand = (copied / CALIBRATION_FILE).read_bytes()
    change(new)
    carry_over(copied, new, Manifest.read(new))
    (line,) = [line for line in log.messages if "is void" in line]
    assert line.startswith(f"calibration of {copied} is void: ")
    assert reason in line
    assert CALIBRATE_AGAIN in line
    assert not (new / CALIBRATION_FILE).exists()
    assert (new / VOID_CALIBRATION_FILE).read_bytes() == set_by_hand


def test_a_void_calibration_stays_until_another_one_is_void(
    copied: Path, new: Path, tmp_path: Path
) -> None:
    calibrate(copied)
    void = (copied / CALIBRATION_FILE).read_bytes()
    change_model(new)
    carry_over(copied, new, Manifest.read(new))
    newer = Path(shutil.copytree(new, tmp_path / "newer"))
    (newer / VOID_CALIBRATION_FILE).unlink()
    carry_over(new, newer, Manifest.read(newer))
    assert (newer / VOID_CALIBRATION_FILE).read_bytes() == void
    assert Bundle.open(newer).manifest == Manifest.read(newer)
    (newer / CALIBRATION_FILE).write_text("{}")
    newest = Path(shutil.copytree(copied, tmp_path / "newest"))
    (newest / CALIBRATION_FILE).unlink()
    carry_over(newer, newest, Manifest.read(newest))
    assert (newest / VOID_CALIBRATION_FILE).read_text() == "{}"
    assert (newer / VOID_CALIBRATION_FILE).read_bytes() == void


@pytest.mark.parametrize("content", [b"{", b"{}"])
def test_a_damaged_calibration_is_void(
    copied: Path, new: Path, log: pytest.LogCaptureFixture, content: bytes
) -> None:
    (copied / CALIBRATION_FILE).write_bytes(content)
    carry_over(copied, new, Manifest.read(new))
    assert "is void: it is damaged, or is of another model than the bundle had" in log.text
    assert (new / VOID_CALIBRATION_FILE).read_bytes() == content


def test_a_file_that_was_compiled_from_another_model_is_left_out(
    copied: Path, new: Path, log: pytest.LogCaptureFixture
) -> None:
    (copied / ENGINE).write_bytes(b"compiled")
    calibrate(copied, ENGINE)
    change_model(new)
    carry_over(copied, new, Manifest.read(new))
    assert f"{copied / ENGINE} is left out: {MODEL}, which it was compiled from, has" in log.text
    assert "compile it again, see README.md" in log.text
    assert f"calibration of {copied} is void: {ENGINE} is gone" in log.text
    assert not (new / ENGINE).exists()
    Bundle.open(new)


def test_a_calibration_of_a_compiled_file_stays_with_it(copied: Path, new: Path) -> None:
    (copied / ENGINE).write_bytes(b"compiled")
    calibration = calibrate(copied, ENGINE)
    change_model(new, "model.onnx")
    carry_over(copied, new, Manifest.read(new))
    assert Calibration.read(new) == calibration


def test_a_file_that_export_compiled_stays_where_there_is_no_compiler(
    copied: Path, new: Path, tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    compiled = copied / "model_edgetpu.tflite"
    compiled.write_bytes(b"compiled")
    change_manifest(copied, files={compiled.name: sha256(compiled)})
    again = Path(shutil.copytree(new, tmp_path / "again"))
    carry_over(copied, new, Manifest.read(new))
    assert (new / compiled.name).read_bytes() == b"compiled"
    compiled.write_bytes(b"damaged")
    carry_over(copied, again, Manifest.read(again))
    assert not (again / compiled.name).exists()
    assert "is left out: it is not the file that manifest.json described" in log.text


def test_a_file_that_export_compiles_anew_replaces_the_old_one(copied: Path, new: Path) -> None:
    (copied / "model_edgetpu.tflite").write_bytes(b"compiled")
    (new / "model_edgetpu.tflite").write_bytes(b"compiled anew")
    carry_over(copied, new, Manifest.read(new))
    assert (new / "model_edgetpu.tflite").read_bytes() == b"compiled anew"


def test_a_bundle_that_cannot_be_read_keeps_only_what_needs_no_manifest(
    copied: Path, new: Path, log: pytest.LogCaptureFixture
) -> None:
    calibrate(copied)
    (copied / ENGINE).write_bytes(b"compiled")
    (copied / "notes.txt").write_text("line 3")
    content = json.loads((copied / MANIFEST_FILE).read_text())
    (copied / MANIFEST_FILE).write_text(json.dumps({**content, "schema_version": 99}))
    carry_over(copied, new, Manifest.read(new))
    assert (new / "notes.txt").exists()
    assert not (new / ENGINE).exists()
    assert not (new / CALIBRATION_FILE).exists()
    assert log.text.count("its manifest.json cannot be read") == 2


def test_a_first_export_has_nothing_to_carry_over(new: Path, tmp_path: Path) -> None:
    before = sorted(new.rglob("*"))
    carry_over(tmp_path / "none", new, Manifest.read(new))
    assert sorted(new.rglob("*")) == before
