"""The commands `score`, `selftest` and `bench` of the program in a real bundle."""

import csv
import json
import os
import shutil
import struct
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganad_station.manifest import Manifest
from ganad_tf.run import Run
from tests.support.programs import assert_one_line_error, run_program
from tests.support.stations import change_manifest


@pytest.fixture(scope="module")
def test_split_pictures(small_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every image of the test split as a PNG file, named by its place."""
    folder = tmp_path_factory.mktemp("test split")
    images = small_run.splits.test.data.images
    for index, image in enumerate(images):
        Image.fromarray(image[:, :, 0]).save(folder / f"{index:05d}.png")
    return folder


@pytest.mark.parametrize(
    ("target", "model"),
    [("coral", "model.tflite"), ("cpu", "model.tflite"), ("jetson", "model.onnx")],
)
def test_scores_equal_those_of_the_verification_exactly(
    bundles: dict[str, Path], test_split_pictures: Path, target: str, model: str
) -> None:
    bundle = bundles[target]
    result = run_program(bundle, "score", "--json", "--any-picture", test_split_pictures)
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    with (bundle / "verification" / f"{model}.csv").open() as file:
        expected = [float(row["exported_score"]) for row in csv.DictReader(file)]
    assert [record["score"] for record in records] == expected
    threshold = Manifest.read(bundle).threshold.value
    decisions = ["NG" if score > threshold else "OK" for score in expected]
    assert [record["decision"] for record in records] == decisions
    assert {"OK", "NG"} == set(decisions)


def test_every_bundle_passes_its_selftest(bundles: dict[str, Path]) -> None:
    for bundle in bundles.values():
        result = run_program(bundle, "selftest")
        assert result.returncode == 0, result.stderr
        assert "equal" in result.stdout


def test_selftest_refuses_what_is_not_what_was_verified(
    bundle_folder: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(bundle_folder, bundle)
    manifest = Manifest.read(bundle)
    scores = dict.fromkeys(manifest.selftest.scores, 0.9)
    change_manifest(bundle, selftest={"image": "selftest.png", "scores": scores})
    assert_one_line_error(run_program(bundle, "selftest"), "instead of 0.900000")
    change_manifest(bundle, selftest=asdict(manifest.selftest), verification={})
    assert_one_line_error(run_program(bundle, "selftest"), "is not verified")
    (bundle / "model.tflite").write_bytes(b"")
    assert_one_line_error(run_program(bundle, "selftest"), "model.tflite is not the file")


def test_heat_maps_are_red_where_the_error_is(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    result = run_program(bundle_folder, "score", part_pictures, "--heatmaps", tmp_path / "maps")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 20
    maps = sorted((tmp_path / "maps").iterdir())
    assert len(maps) == 20
    red = {}
    for path in maps:
        pixels = np.asarray(Image.open(path)).astype(int)
        assert pixels.shape == (256, 512, 3)
        part, overlay = np.split(pixels, 2, axis=1)
        assert np.array_equal(part[:, :, 0], part[:, :, 1])
        red[path.stem] = (overlay[:, :, 0] - overlay[:, :, 2]).clip(0).mean()
    normal = [value for name, value in red.items() if "-0-" in name]
    anomalous = [value for name, value in red.items() if "-0-" not in name]
    assert normal
    assert np.mean(anomalous) > 1.3 * np.mean(normal)


def write_bomb(path: Path, side: int) -> None:
    """A PNG of few bytes that would take side * side / 8 of memory and more."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    compressor = zlib.compressobj(1)
    row = bytes(1 + side // 8)
    data = b"".join(compressor.compress(row * 1000) for _ in range(side // 1000))
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = (
        chunk(b"IHDR", header),
        chunk(b"IDAT", data + compressor.flush()),
        chunk(b"IEND", b""),
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def test_bad_pictures_are_named_and_do_not_stop_the_others(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    whole = sorted(part_pictures.iterdir())[0]
    write_bomb(tmp_path / "bomb.png", 60_000)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:-60])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "two\nlines.png").write_text("no picture")
    os.mkfifo(tmp_path / "pipe.png")
    shutil.copy(whole, tmp_path / "whole.png")
    result = run_program(bundle_folder, "score", tmp_path)
    assert result.returncode == 2
    assert result.stdout.count("\n") == 1
    errors = result.stderr.splitlines()
    for name in ("bomb", "cut", "empty", "text", "two\\nlines", "pipe"):
        (line,) = [line for line in errors if f"{name}.png" in line]
        assert line.startswith("error: ")
    assert "Traceback" not in result.stderr


def test_wrong_inputs_are_one_line(bundle_folder: Path, tmp_path: Path) -> None:
    assert_one_line_error(run_program(bundle_folder, "score", tmp_path / "x.png"), "does not exist")
    elsewhere = run_program(bundle_folder, "--bundle", tmp_path, "score", tmp_path)
    assert_one_line_error(elsewhere, "is not a bundle", "--bundle")
    assert_one_line_error(run_program(bundle_folder, "score", tmp_path), "holds no pictures")
    assert_one_line_error(run_program(bundle_folder), "required", "--help")
    for option, value in (("--count", 0), ("--count", "many"), ("--threads", -1)):
        refused = run_program(bundle_folder, "bench", option, value)
        assert_one_line_error(refused, option, f"{value} is not an integer from 1 to")


def test_bench_reports_latency_and_memory(bundle_folder: Path) -> None:
    result = run_program(bundle_folder, "bench", "--count", 50, "--json")
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    for row in (figures["inspection"], figures["reconstruction"]):
        assert 0 < row["p50"] <= row["p90"] <= row["p99"]
    assert figures["inspection"]["p50"] > figures["reconstruction"]["p50"]
    assert 10 < figures["peak_rss_mib"] < 300
    assert "pictures per second" in run_program(bundle_folder, "bench", "--count", 5).stdout


def test_models_without_a_runtime_or_device_are_passed_over(
    bundle_folder: Path, part_pictures: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(bundle_folder, bundle)
    shutil.copy(bundle / "model.tflite", bundle / "model_edgetpu.tflite")
    result = run_program(bundle, "score", sorted(part_pictures.iterdir())[0])
    assert result.returncode == 0, result.stderr
    assert "warning: skipped model_edgetpu.tflite: no Edge TPU" in result.stderr
    assert "using model.tflite" in result.stderr
