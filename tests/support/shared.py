"""What is made once for all processes that run the tests side by side."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED_FOLDER = "SHARED_TEST_FOLDER"


def copy_of_shared(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Make a folder unless another process of this session has, and return a copy of it.

    A copy, because a run folder is used by one process at a time. Several sessions share what they
    make if the environment variable `SHARED_TEST_FOLDER` names a folder.

    Args:
        factory: The fixture of the session.
        name: Name of the folder.
        make: Called with the path of the folder, which does not exist.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = Path(os.environ.get(SHARED_FOLDER, root / "shared")) / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = factory.mktemp("made") / name
            make(unfinished)
            shutil.move(unfinished, folder)
    return shutil.copytree(folder, factory.mktemp(name) / name)
