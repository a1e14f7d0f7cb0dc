import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ganad_tf.errors import UserError
from ganad_tf.system.files import (
    TEMPORARY,
    new_folder,
    read_json,
    remove_leftovers,
    replacing,
    replacing_folder,
    write_json,
)

REPLACE_FOR_EVER = """
import itertools, sys
from pathlib import Path
from ganad_tf.system import files
if sys.argv[2] == "renames":
    files._exchange = lambda first, second: False  # as on a file system that cannot
for number in itertools.count():
    with files.replacing_folder(Path(sys.argv[1])) as folder:
        for name in "ab":
            (folder / name).write_text(str(number))
    print(number, flush=True)
"""
DIE_BETWEEN_THE_RENAMES = """
import os, signal, sys
from pathlib import Path
from ganad_tf.system import files
files._exchange = lambda first, second: False  # as on a file system that cannot
rename = os.replace
def rename_but_the_second(source, destination):
    if Path(destination) == Path(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, destination)
os.replace = rename_but_the_second
with files.replacing_folder(Path(sys.argv[1])) as folder:
    (folder / "new").touch()
"""


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": True})

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == '{\n  "old": true\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "a"

    def fill(fails: bool) -> None:
        with new_folder(path) as folder:
            (folder / "first").write_text("1")
            if fails:
                raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fill(fails=True)
    assert list(path.parent.iterdir()) == []
    fill(fails=False)
    assert [entry.name for entry in path.iterdir()] == ["first"]
    with pytest.raises(OSError, match="not empty"):
        fill(fails=False)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_a_replaced_folder_is_there_whole_whenever_its_process_is_killed(
    tmp_path: Path, way: str
) -> None:
    path = tmp_path / "cpu"
    for rounds in range(1, 4):
        command = [sys.executable, "-c", REPLACE_FOR_EVER, str(path), way]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(40 * rounds):
                process.stdout.readline()
            process.kill()
        remove_leftovers(tmp_path)
        assert list(tmp_path.iterdir()) == [path]
        assert sorted(entry.name for entry in path.iterdir()) == ["a", "b"]
        assert (path / "a").read_text() == (path / "b").read_text()


def test_a_folder_that_a_killed_process_moved_aside_is_put_back(tmp_path: Path) -> None:
    path, other = tmp_path / "cpu", tmp_path / "coral"
    path.mkdir()
    (path / "old").touch()
    command = [sys.executable, "-c", DIE_BETWEEN_THE_RENAMES, str(path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 2
    remove_leftovers(tmp_path)
    with replacing_folder(other) as folder:
        (folder / "new").touch()
    assert sorted(tmp_path.iterdir()) == [other, path]
    assert [entry.name for entry in path.iterdir()] == ["old"]


def test_a_folder_that_was_moved_aside_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    for name in ("cpu", f"{TEMPORARY}4711.cpu.outdated", f"{TEMPORARY}4711.cpu"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    (tmp_path / f"{TEMPORARY}4712.link").symlink_to(tmp_path / "cpu")
    remove_leftovers(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "cpu",
        "cpu/cpu",
    ]


def test_json_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    for content in (b"{torn", b"", b"\xff"):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(UserError, match=r"a\.json cannot be read .*: export again"):
            read_json(tmp_path / "a.json", "export again")
    with pytest.raises(UserError, match="No such file"):
        read_json(tmp_path / "b.json", "export again")
