"""What a review found: other people's files, odd pictures, edited manifests."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganad_station.bundle import Bundle
from ganad_station.errors import StationError
from ganad_station.images import UnreadableImageError, prepare_image
from ganad_station.inspector import Inspector
from ganad_station.manifest import Manifest
from ganad_station.outputs.results import ResultsFile
from ganad_station.runtimes.model import Model
from tests.support.programs import assert_one_line_error, run_program
from tests.support.stations import change_manifest, files, watch


def test_watch_leaves_what_others_put_beside_its_heat_maps(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "camera", tmp_path / "out"
    folder.mkdir()
    shutil.copy(sorted(part_pictures.iterdir())[0], folder / "part.png")
    (out / "heatmaps" / ".thumbnails").mkdir(parents=True)
    (out / "heatmaps" / "notes.txt").write_text("mine")
    (out / "heatmaps" / "99.png").write_text("an old heat map")
    with watch(bundle_folder, folder, out) as station:
        station.wait_for(lambda: files(out) == ["part.png"])
        assert station.terminate() == 0
    names = {path.name for path in (out / "heatmaps").iterdir()}
    assert names == {".thumbnails", "notes.txt", "1.png"}


def test_a_folder_inside_out_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "heatmaps").mkdir()
    result = run_program(bundle_folder, "watch", tmp_path / "heatmaps", "--out", tmp_path)
    assert_one_line_error(result, "FOLDER is --out or inside it")


def test_results_of_another_program_are_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"file": "a.png", "score": 0.1}\n')
    with pytest.raises(StationError, match="not of this station: move it away"):
        ResultsFile(tmp_path)._repair()
    assert path.read_text() == '{"file": "a.png", "score": 0.1}\n'


def test_no_program_is_started_for_a_picture(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-started\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    Image.new("L", (16, 16)).save(tmp_path / "part.eps")
    (tmp_path / "part.eps").rename(tmp_path / "part.png")
    result = run_program(bundle_folder, "score", tmp_path / "part.png")
    assert_one_line_error(result, "part.png cannot be read (not a picture)")
    assert not (tmp_path / "was-started").exists()


def test_more_pixels_than_memory_should_hold_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8001, 8000), np.uint16)).save(tmp_path / "large.png")
    with pytest.raises(UnreadableImageError, match="has 8000 x 8001 pixels, 64,000,000 are"):
        prepare_image(tmp_path / "large.png", 16, 1)


def test_a_score_that_is_no_number_is_not_ok(
    bundle_folder: Path, part_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Overflowing(Model):
        def reconstruct_one(self, image: np.ndarray) -> np.ndarray:
            return np.full(image.shape, np.nan, np.float32)

    inspector = Inspector(Bundle.open(bundle_folder))
    monkeypatch.setattr(inspector, "model", Overflowing((16, 16, 1), "test"))
    assert inspector.inspect(sorted(part_pictures.iterdir())[0]).is_ng


def test_an_unverified_bundle_says_so_at_work(copied: Path, part_pictures: Path) -> None:
    change_manifest(copied, verification={})
    result = run_program(copied, "score", part_pictures)
    assert result.returncode == 0
    assert "is not verified" in result.stderr


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"thresholds": {"model.tflite": {"value": "much"}}},
            "thresholds.model.tflite.value must be a number from 0 to",
        ),
        ({"verification": {"model.tflite": 1}}, "verification.model.tflite must be an object"),
        ({"score": {"patch_size": 0, "patch_count": 1}}, "lacks 'score.views'"),
    ],
)
def test_a_damaged_manifest_is_answered_with_one_line(
    copied: Path, changes: dict, problem: str
) -> None:
    change_manifest(copied, **changes)
    result = run_program(copied, "score", copied / "selftest.png")
    assert_one_line_error(result, problem, "export the bundle again")


def test_a_model_that_takes_other_images_than_the_manifest_says_is_refused(copied: Path) -> None:
    manifest = Manifest.read(copied)
    change_manifest(copied, input={**manifest.to_dict()["input"], "channels": 3})
    result = run_program(copied, "score", copied / "selftest.png")
    assert_one_line_error(result, "takes images of shape (16, 16, 1), manifest.json says (16, 16")


def test_a_missing_picture_does_not_stop_the_others(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    whole = sorted(part_pictures.iterdir())[0]
    result = run_program(bundle_folder, "score", tmp_path / "none.png", whole)
    assert_one_line_error(result, "none.png does not exist")
    assert whole.name in result.stdout
