"""The program of a bundle: `ganad_station` and what it needs in one file that Python runs."""

import importlib.util
import zipfile
from pathlib import Path

import ganad_station

SHEBANG = b"#!/usr/bin/env python3\n"
MAIN = "import sys\n\nfrom ganad_station.cli import main\n\nsys.exit(main())\n"
CARRIED_LIBRARIES = ("bottle",)
"""Single-file libraries that a station does not have."""
EARLIEST_DATE = (1980, 1, 1, 0, 0, 0)


def write_station_program(path: Path) -> None:
    """Write `station.pyz`; the same sources give the same bytes.

    Args:
        path: The file to write.
    """
    package = Path(ganad_station.__file__).parent
    members = {
        f"ganad_station/{source.relative_to(package).as_posix()}": source.read_bytes()
        for source in sorted(package.rglob("*"))
        if source.is_file() and source.suffix != ".pyc"
    }
    members |= {f"{name}.py": _source_of(name) for name in CARRIED_LIBRARIES}
    members["__main__.py"] = MAIN.encode()
    with path.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                entry = zipfile.ZipInfo(name, EARLIEST_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)


def _source_of(library: str) -> bytes:
    spec = importlib.util.find_spec(library)
    if spec is None or spec.origin is None:
        raise AssertionError(f"{library} is not installed")
    return Path(spec.origin).read_bytes()
