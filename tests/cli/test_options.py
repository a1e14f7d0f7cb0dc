"""Options that several commands share."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ganad_tf.cli import cli
from ganad_tf.cli.options import read_settings
from ganad_tf.cli.train import train_command
from ganad_tf.config import WIDTH_PRESETS, RunConfig


def test_a_width_is_a_preset_or_a_number() -> None:
    for given, width in WIDTH_PRESETS.items():
        assert _width_of_training(given) == width
    assert _width_of_training("small") == 12
    assert _width_of_training("10") == 10


def test_a_size_is_one_number_or_height_x_width() -> None:
    sizes = {"32": 32, "16x48": (16, 48), "32x32": 32}
    for given, size in sizes.items():
        assert _config_of_training("--size", given).data.size == size


def _width_of_training(given: str) -> int:
    return _config_of_training("--width", given).train.width


def _config_of_training(*arguments: str) -> RunConfig:
    flags = train_command.make_context("train", [*arguments]).params
    others = ("config_file", "runs", "name", "resume", "strategy", "tensorboard")
    settings = {name: value for name, value in flags.items() if name not in others}
    return read_settings(None, settings)


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--width", "-3", "width must be at least 1, got -3"),
        ("--width", "huge", "'huge' is not a width: give nano, small, medium, large or a number"),
        ("--size", "16*48", "'16*48' is not a size: give 256, or HEIGHTxWIDTH as 512x1280"),
        ("--size", "16x40", "size 16x40 is not a multiple of 16"),
    ],
)
def test_another_value_is_refused(tmp_path: Path, flag: str, value: str, words: str) -> None:
    result = CliRunner().invoke(cli, ["train", "--runs", str(tmp_path), flag, value])
    assert result.exit_code == 2
    assert words in result.output
    assert not list(tmp_path.iterdir())
