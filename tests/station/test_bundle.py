import json
from pathlib import Path

import pytest

from ganad_station.bundle import Bundle
from ganad_station.errors import StationError
from ganad_station.manifest import SCHEMA_VERSION
from tests.support.stations import change_manifest


def test_a_whole_bundle_opens(copied: Path) -> None:
    manifest = Bundle.open(copied).manifest
    assert [model.file for model in manifest.models] == ["model.tflite", "model.onnx"]
    assert [model.precision for model in manifest.models] == ["int8", "int8"]
    assert manifest.is_verified


@pytest.mark.parametrize("name", ["model.tflite", "station.pyz", "selftest.png", "README.md"])
def test_a_flipped_bit_is_refused(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(StationError, match=rf"{name} is not the file that was verified"):
        Bundle.open(copied)


def test_a_missing_file_is_named(copied: Path) -> None:
    (copied / "model.onnx").unlink()
    with pytest.raises(StationError, match=r"model\.onnx is missing: copy"):
        Bundle.open(copied)


def test_manifests_that_cannot_be_used(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(StationError, match="is not a bundle"):
        Bundle.open(tmp_path)
    change_manifest(copied, schema_version=SCHEMA_VERSION + 1)
    with pytest.raises(
        StationError, match=f"version {SCHEMA_VERSION + 1}, this program reads {SCHEMA_VERSION}"
    ):
        Bundle.open(copied)
    (copied / "manifest.json").write_text("{")
    with pytest.raises(StationError, match="cannot be read"):
        Bundle.open(copied)
    (copied / "manifest.json").write_text(json.dumps({"schema_version": SCHEMA_VERSION}))
    with pytest.raises(StationError, match="lacks 'ganad_tf'"):
        Bundle.open(copied)


def test_a_bundle_is_verified_when_each_of_its_models_is(copied: Path) -> None:
    verification = json.loads((copied / "manifest.json").read_text())["verification"]
    verification["model.onnx"]["is_verified"] = False
    change_manifest(copied, verification=verification)
    assert not Bundle.open(copied).manifest.is_verified
    change_manifest(copied, verification={})
    assert not Bundle.open(copied).manifest.is_verified
