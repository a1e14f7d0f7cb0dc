from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ganad_tf.cli import cli
from ganad_tf.cli.options import SETTING_FLAGS
from ganad_tf.config import RunConfig, make_config, read_config
from ganad_tf.config.run_config import SETTINGS


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_init_writes_a_file_that_trains_as_the_flags_do(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    result = invoke("init", "--dataset", "cifar10", "--size", 64, "--tile", 32, "--out", path)
    assert result.exit_code == 0, result.output
    assert f"ganad-tf train --config {path}" in result.output
    data = {"dataset": "cifar10", "size": 64, "tile": 32}
    assert make_config(read_config(path)) == make_config({"data": data})


def test_init_without_flags_writes_the_defaults(tmp_path: Path) -> None:
    assert invoke("init", "--out", tmp_path / "c.toml").exit_code == 0
    assert make_config(read_config(tmp_path / "c.toml")) == RunConfig()


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("seed = 3")
    result = invoke("init", "--out", path)
    assert result.exit_code == 2
    assert f"error: {path} exists: remove it, or choose another --out" in result.output
    assert path.read_text() == "seed = 3"


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    result = invoke("init", "--size", 24, "--out", tmp_path / "c.toml")
    assert result.exit_code == 2
    assert "error: image size 24 is not a multiple of 16" in result.output
    assert not (tmp_path / "c.toml").exists()


@pytest.mark.parametrize("command", ["train", "search", "init"])
def test_help_describes_settings_and_their_defaults(command: str) -> None:
    text = " ".join(invoke(command, "--help").output.split())
    for default in (
        "[default: 32 (digits: 16, folder: 128)]",
        "[default: 10 (digits: 20, fashion- mnist: 15, cifar10: 20,",
        "[default: 16 (tiles: 12)]",
        "[default: 0.001 (fashion- mnist: 0.01, cifar10: 0.003, tiles: 0.003)]",
    ):
        assert default.replace("- ", "-") in text.replace("- ", "-")
    for flag, path in SETTING_FLAGS.items():
        assert f"--{flag} " in text
        assert SETTINGS[path].description.partition(" ")[0].replace("`", "") in text


def test_resume_names_the_flag_that_it_refuses(tmp_path: Path) -> None:
    result = invoke("train", "--resume", "--runs", tmp_path, "--anomalies", "both")
    assert result.exit_code == 2
    assert "leave out --anomalies" in result.output
