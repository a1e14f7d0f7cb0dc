"""Hashing and replacing files."""

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which replaces `path` when the block ends.

    A kill at any moment leaves the old file or the new one, never a torn one.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(str(temporary), str(path))
    finally:
        if temporary.exists():
            temporary.unlink()
