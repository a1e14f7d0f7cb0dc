"""Atomic writes: a kill at any time leaves the old file or the new one, never a part of it."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganad_tf.errors import UserError, reason

TEMPORARY = ".ganad-tf."


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
    """Yield a temporary folder beside `path`, which replaces `path` when the block ends."""
    with _temporary_folder(path) as temporary:
        yield temporary
        outdated = temporary.with_name(f"{temporary.name}.outdated")
        if path.exists():
            os.replace(path, outdated)
        os.replace(temporary, path)
        shutil.rmtree(outdated, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes have left in a folder."""
    for path in folder.glob(f"{TEMPORARY}*"):
        if path.is_dir():
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


def _beside(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{os.getpid()}.{path.name}")
