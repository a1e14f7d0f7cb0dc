from pathlib import Path

import pytest

from ganad_tf.files import replacing, replacing_folder, write_json


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


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    bundle = tmp_path / "bundles" / "int8"

    def fill(content: str, fails: bool) -> None:
        with replacing_folder(bundle) as folder:
            (folder / content).write_text(content)
            if fails:
                raise OSError("disk full")

    fill("first", fails=False)
    with pytest.raises(OSError, match="disk full"):
        fill("second", fails=True)
    assert [path.name for path in bundle.iterdir()] == ["first"]
    fill("third", fails=False)
    assert [path.name for path in bundle.iterdir()] == ["third"]
    assert list(bundle.parent.iterdir()) == [bundle]
