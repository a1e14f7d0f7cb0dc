"""Bundles to change."""

import tarfile
from pathlib import Path

import pytest

ARCHIVE = Path(__file__).parents[1] / "files" / "run-0.1.0.tar.xz"


@pytest.fixture
def old_bundle(tmp_path: Path) -> Path:
    """The CPU's bundle of a run that ganad-tf 0.1.0 trained and exported."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "digits" / "bundles" / "cpu"
