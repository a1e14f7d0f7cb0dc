from pathlib import Path

import pytest

from ganad_tf.errors import UserError
from ganad_tf.system.files import new_folder, read_json, replacing, write_json


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


def test_json_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    for content in (b"{torn", b"", b"\xff"):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(UserError, match=r"a\.json cannot be read .*: export again"):
            read_json(tmp_path / "a.json", "export again")
    with pytest.raises(UserError, match="No such file"):
        read_json(tmp_path / "b.json", "export again")
