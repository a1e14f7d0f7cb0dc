"""Bundles to change."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def copied(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the CPU's bundle of `small_run`."""
    folder = tmp_path / "bundle"
    shutil.copytree(bundle_folder, folder)
    return folder
