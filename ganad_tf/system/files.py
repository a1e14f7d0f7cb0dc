"""Atomic writes: a kill at any time leaves the old file or the new one, never a part of it."""

import ctypes
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganad_tf.errors import UserError, reason

TEMPORARY = ".ganad-tf."
MOVED_ASIDE = re.compile(rf"{re.escape(TEMPORARY)}\d+\.(?P<name>.+)\.outdated")
CURRENT_FOLDER, RENAME_EXCHANGE = -100, 2
"""`AT_FDCWD` and `RENAME_EXCHANGE` of Linux."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` when the block ends."""
    temporary = _beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which becomes `path` when the block ends.

    Raises:
        OSError: If `path` is a folder that is not empty.
    """
    with _temporary_folder(path) as temporary:
        yield temporary
        os.replace(temporary, path)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which replaces `path` when the block ends.

    The two folders are exchanged in one step. On file systems that cannot do that, a kill may leave
    nothing at `path` and the old folder beside it, which `remove_leftovers` puts back.
    """
    with _temporary_folder(path) as temporary:
        yield temporary
        if not path.exists():
            os.replace(temporary, path)
        elif not _exchange(temporary, path):
            _replace_in_two_steps(temporary, path)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes have left in a folder.

    A folder that was to be replaced, and is missing now, is put back first.
    """
    for path in folder.glob(f"{TEMPORARY}*"):
        moved = MOVED_ASIDE.fullmatch(path.name)
        if moved and not (folder / moved["name"]).exists():
            os.replace(path, folder / moved["name"])
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; file names in it that are not UTF-8 keep their bytes."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically, indented for people."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path, remedy: str) -> Any:
    """Read a JSON file.

    Args:
        path: The JSON file to read.
        remedy: What the user should do if it cannot be read, for the error message.

    Raises:
        UserError: If the file cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({reason(error)}): {remedy}") from None


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step; return False if the system or the file system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    paths = (os.fsencode(first), os.fsencode(second))
    return bool(rename(CURRENT_FOLDER, paths[0], CURRENT_FOLDER, paths[1], RENAME_EXCHANGE) == 0)


def _replace_in_two_steps(new: Path, path: Path) -> None:
    """Exchange two folders with renames; an error or an interrupt leaves the old one in place."""
    outdated = new.with_name(f"{new.name}.outdated")
    try:
        os.replace(path, outdated)
        os.replace(new, path)
    finally:
        if not path.exists():
            os.replace(outdated, path)
    # Under this name, what a kill leaves of it is never put back.
    os.replace(outdated, new)


def _beside(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{os.getpid()}.{path.name}")
