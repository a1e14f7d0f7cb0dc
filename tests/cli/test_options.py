"""Options that several commands share."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ganad_tf.cli import cli
from ganad_tf.cli.options import read_settings
from ganad_tf.cli.train import train_command
from ganad_tf.config import WIDTH_PRESETS


def test_a_width_is_a_preset_or_a_number() -> None:
    for given, width in WIDTH_PRESETS.items():
        assert _width_of_training(given) == width
    assert _width_of_training("small") == 12
    assert _width_of_training("10") == 10


def _width_of_training(given: str) -> int:
    flags = train_command.make_context("train", ["--width", given]).params
    others = ("config_file", "runs", "name", "resume", "strategy", "tensorboard")
    settings = {name: value for name, value in flags.items() if name not in others}
    return read_settings(None, settings).train.width


@pytest.mark.parametrize(
    ("width", "words"),
    [
        ("-3", "width must be at least 1, got -3"),
        ("huge", "'huge' is not a width: give nano, small, medium, large or a number"),
    ],
)
def test_another_width_is_refused(tmp_path: Path, width: str, words: str) -> None:
    result = CliRunner().invoke(cli, ["train", "--runs", str(tmp_path), "--width", width])
    assert result.exit_code == 2
    assert words in result.output
    assert not list(tmp_path.iterdir())
