import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganad_tf.config import (
    DATASET_DEFAULTS,
    DataConfig,
    LossConfig,
    RunConfig,
    ScoreConfig,
    TrainConfig,
    make_config,
    recorded_config,
)
from ganad_tf.config.run_config import PLAIN_CONFIG, SECTIONS, SETTINGS
from ganad_tf.errors import UserError


@pytest.mark.parametrize("dataset", DATASET_DEFAULTS)
@pytest.mark.parametrize("tile", [None, 32])
def test_python_has_the_defaults_of_the_command_line(dataset: str, tile: int | None) -> None:
    built = RunConfig(data=DataConfig(dataset=dataset, size=64, tile=tile))
    assert built == make_config({"data": {"dataset": dataset, "size": 64, "tile": tile}})
    assert hash(built) == hash(copy.deepcopy(built))


def test_a_data_set_brings_defaults_of_its_own() -> None:
    config = RunConfig(data=DataConfig(dataset="cifar10"))
    assert (config.train.epochs, config.loss.abc, config.data.anomalies) == (20, 2.0, 40_500)
    assert RunConfig(data=DataConfig("folder")).data.size == 128
    assert RunConfig().data.size == 16


@given(
    st.sampled_from(sorted(DATASET_DEFAULTS)),
    st.sampled_from([None, 32]),
    st.sets(st.sampled_from(["epochs", "passes", "batch_size", "learning_rate", "contrast"])),
)
def test_a_given_value_wins_also_when_it_is_the_plain_default(
    dataset: str, tile: int | None, names: set[str]
) -> None:
    plain = {name: getattr(PLAIN_CONFIG.train, name) for name in names}
    data = {"dataset": dataset, "size": 64, "tile": tile}
    defaults = make_config({"data": data})
    config = make_config({"data": data, "train": plain})
    assert config == RunConfig(data=DataConfig(**data), train=TrainConfig(**plain))
    assert config == defaults.derive(train=plain)


def test_settings_that_are_given_by_position_win_too() -> None:
    config = RunConfig(data=DataConfig("cifar10"), loss=LossConfig(1.5, 1.5, 0.5))
    assert (config.loss.latent, config.loss.adversarial) == (0.5, 0.1)


def test_a_derived_configuration_keeps_all_other_settings() -> None:
    config = RunConfig(data=DataConfig(dataset="cifar10"))
    derived = config.derive(seed=3, data={"dataset": "folder"}, train={"epochs": 5})
    assert (derived.seed, derived.data.dataset, derived.train.epochs) == (3, "folder", 5)
    assert (derived.data.size, derived.train.flip, derived.loss) == (32, True, config.loss)
    assert config.derive(data={"data_dir": "/a"}).portable() == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": {"epochs": 0}}, r"train\.epochs must be at least 1, got 0"),
        ({"train": {"epoch": 3}}, "train: unknown key 'epoch', expected one of epochs, passes"),
        ({"training": {}}, "configuration: unknown key 'training', expected one of seed, data"),
        ({"train": 3}, "train must be a section, got 3"),
        ({"loss": {"patch_size": 5}}, "loss: patch size 5 does not divide the image size 32x32"),
    ],
)
def test_a_derived_configuration_is_checked(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        RunConfig(data=DataConfig(dataset="cifar10")).derive(**changes)


def test_values_built_in_python_are_checked_and_plain() -> None:
    with pytest.raises(UserError, match=r"train\.epochs must be an integer, got '3'"):
        TrainConfig(epochs="3")  # type: ignore[arg-type]
    data = DataConfig(normal_class=np.int64(3), data_dir=Path("/a"))  # type: ignore[arg-type]
    assert (type(data.normal_class), data.data_dir) == (int, "/a")
    assert type(LossConfig(abc=2).abc) is float


def test_configurations_travel_to_other_processes() -> None:
    config = RunConfig(data=DataConfig(dataset="cifar10", unseen_kinds=("3",)), seed=2)
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301
    section = pickle.loads(pickle.dumps(TrainConfig(epochs=10)))  # noqa: S301
    assert RunConfig(data=DataConfig("cifar10"), train=section).train.epochs == 10


def test_the_plain_configuration_is_what_the_schema_says() -> None:
    assert recorded_config({}) == PLAIN_CONFIG
    assert PLAIN_CONFIG.data == DataConfig()
    assert PLAIN_CONFIG.score == ScoreConfig()
    for path, setting in SETTINGS.items():
        section, _, name = path.rpartition(".")
        owner = getattr(PLAIN_CONFIG, section) if section else PLAIN_CONFIG
        assert getattr(owner, name) == setting.default


def test_every_setting_is_described_where_python_shows_it() -> None:
    for section in SECTIONS.values():
        for name, setting in section.SETTINGS.items():
            assert f"    {name}: " in (section.__doc__ or "")
            assert len(setting.description.split()) > 4
            assert setting.description.endswith(".")
