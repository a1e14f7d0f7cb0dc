import re
import tomllib

import pytest

from ganad_tf.config import DATASET_DEFAULTS, make_config
from ganad_tf.config.describe import commented_toml, describe_default
from ganad_tf.config.run_config import SETTINGS
from ganad_tf.errors import UserError

LAYERS = [
    *({"data": {"dataset": dataset}} for dataset in DATASET_DEFAULTS),
    {"data": {"dataset": "folder", "size": 256, "tile": 128, "channels": None}, "seed": 3},
]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_commented_file_sets_what_is_given(layer: dict) -> None:
    text = commented_toml(layer)
    values = tomllib.loads(text)
    given = {name: value for name, value in layer["data"].items() if value is not None}
    assert values.pop("data") == given
    assert values.pop("seed", 0) == layer.get("seed", 0)
    assert values == {"loss": {}, "train": {}, "score": {}}
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("layer", LAYERS)
def test_a_commented_file_shows_the_defaults(layer: dict) -> None:
    text = commented_toml(layer)
    uncommented = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert make_config(tomllib.loads(uncommented)) == make_config(layer)
    names = re.findall(r"^#?(\w+) =", uncommented, flags=re.MULTILINE)
    assert names == [setting.name for setting in SETTINGS.values()]
    words = " ".join(text.replace("\n# ", " ").split())
    assert all(setting.description in words for setting in SETTINGS.values())


def test_settings_that_are_wrong_are_refused() -> None:
    with pytest.raises(UserError, match="24 is not a multiple of 16"):
        commented_toml({"data": {"size": 24}})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("seed", "0"),
        ("data.size", "32 (digits: 16, folder: 128)"),
        ("data.tile", "not set"),
        ("data.unseen_kinds", "[]"),
        ("data.illumination", "as-taken (tiles: brightness)"),
        ("train.batch_size", "16 (tiles: 12)"),
        ("train.shift", "0 (digits: 1, mnist: 2, cifar10: 3, cifar100: 3, tiles: 0)"),
        ("train.learning_rate", "0.001 (fashion-mnist: 0.01, cifar10: 0.003, tiles: 0.003)"),
        (
            "train.flip",
            "false (fashion-mnist: true, cifar10: true, cifar100: true, folder: measured)",
        ),
    ],
)
def test_defaults_name_the_data_sets_that_they_depend_on(path: str, text: str) -> None:
    assert describe_default(SETTINGS[path]) == text


def test_the_values_of_a_setting_are_described() -> None:
    assert SETTINGS["data.anomalies"].values == "an integer (at least 0) or 'balanced'"
    assert SETTINGS["data.unseen_kinds"].values == "a list of strings"
    assert SETTINGS["loss.regime"].values == "one of joint, random"
