import tomllib
from pathlib import Path

import pytest

from ganad_station.sizes import ImageSize
from ganad_tf.config import (
    DATASET_DEFAULTS,
    RunConfig,
    make_config,
    read_config,
    recorded_config,
    to_toml,
)
from ganad_tf.data.sources import SOURCES
from ganad_tf.errors import UserError


def test_every_source_has_defaults() -> None:
    assert set(DATASET_DEFAULTS) == set(SOURCES)
    for dataset in SOURCES:
        assert make_config({"data": {"dataset": dataset}}).data.dataset == dataset


def test_later_layers_win_over_the_defaults_of_the_data_set() -> None:
    config = make_config(
        {"data": {"dataset": "cifar10"}, "train": {"epochs": 7, "width": None}},
        {"train": {"epochs": None, "shift": 1}},
    )
    assert (config.train.epochs, config.train.shift, config.train.flip) == (7, 1, True)
    assert config.train.width == 8


def test_tiles_bring_settings_of_their_own() -> None:
    whole, tiled = (
        make_config({"data": {"dataset": "folder", "size": 256}}, {"data": {"tile": tile}})
        for tile in (None, 128)
    )
    assert (whole.loss.abc_patches, whole.data.illumination) == (0, "as-taken")
    assert (tiled.loss.abc_patches, tiled.data.illumination) == (8, "brightness")
    assert tiled.train.flip
    data = {"dataset": "folder", "tile": 128, "size": 256, "illumination": "contrast"}
    given = make_config({"data": data, "train": {"zoom": 0}})
    assert (given.data.illumination, given.train.zoom, given.train.rotation) == ("contrast", 0, 8)


@pytest.mark.parametrize("dataset", DATASET_DEFAULTS)
def test_configurations_survive_being_written(tmp_path: Path, dataset: str) -> None:
    config = make_config({"data": {"dataset": dataset, "data_dir": "/a b"}, "seed": 3})
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config))
    assert make_config(read_config(path)) == config


def test_lists_survive_being_written(tmp_path: Path) -> None:
    config = make_config({"data": {"unseen_kinds": ["3", "ankle boot"], "anomalies": 10}})
    assert config.data.unseen_kinds == ("3", "ankle boot")
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config))
    assert make_config(read_config(path)) == config


@pytest.mark.parametrize(
    ("given", "size", "written"),
    [
        (48, 48, "size = 48"),
        ([48, 48], 48, "size = 48"),
        ((32, 48), (32, 48), "size = [\n    32,\n    48,\n]"),
    ],
)
def test_a_size_is_one_number_or_height_and_width(
    tmp_path: Path, given: object, size: ImageSize, written: str
) -> None:
    config = make_config({"data": {"size": given}})
    assert config.data.size == size
    assert config.data.shape == (size if isinstance(size, tuple) else (size, size))
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config))
    assert written in path.read_text()
    assert make_config(read_config(path)) == config


def test_a_configuration_can_ask_for_as_many_anomalies_as_normal_images(tmp_path: Path) -> None:
    config = make_config({"data": {"dataset": "cifar10", "anomalies": "balanced"}})
    assert config.data.anomalies == "balanced" != make_config({"data": {"dataset": "cifar10"}})
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config))
    assert make_config(read_config(path)) == config


def test_the_weights_are_those_of_table_2() -> None:
    loss = RunConfig().loss
    assert (loss.reconstruction, loss.abc, loss.adversarial) == (1.5, 0.5, 0.5)
    assert (loss.patch, loss.latent, loss.anomaly_adversarial) == (1.5, 0.5, 1.0)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"data": {"size": 28}}, "28 is not a multiple of 16"),
        (
            {"data": {"size": "32"}},
            "data.size must be an integer or a list of 2 integers, got '32'",
        ),
        ({"data": {"size": [32]}}, r"data.size must be a list of 2, got \[32\]"),
        ({"data": {"size": [32, "48"]}}, "data.size: each item must be an integer, got '48'"),
        ({"data": {"size": [32, 44]}}, "size 32x44 is not a multiple of 16"),
        ({"data": {"size": [32, 0]}}, "try 32x16"),
        (
            {"data": {"size": [16, 64], "tile": 32}},
            "tile 32 is larger than the image size 16x64",
        ),
        (
            {"data": {"size": [16, 48]}, "score": {"patch_size": 24}},
            "patch size 24 does not divide the image size 16x48: choose",
        ),
        ({"data": {"sise": 32}}, "unknown key 'sise'"),
        ({"speed": 3}, "unknown key 'speed'"),
        ({"data": 3}, "data must be a section"),
        ({"data": {"channels": 4}}, "channels must be 1"),
        ({"data": {"test_fraction": 1.0}}, "test_fraction must be between 0 and 1"),
        ({"data": {"anomalies": 0}}, "no anomalies to train on: set loss.abc"),
        ({"loss": {"abc_scale": 0}}, "abc_scale must be more than 0"),
        ({"loss": {"discriminators": 3}}, "discriminators must be 1 or 2, got 3"),
        ({"data": {"anomalies": -1}}, "anomalies must be at least 0, got -1"),
        ({"data": {"anomalies": "few"}}, "anomalies must be an integer or 'balanced', got 'few'"),
        ({"data": {"anomalies": True}}, "anomalies must be an integer or 'balanced', got True"),
        ({"data": {"sampling": "best"}}, "sampling must be one of kmeans, random"),
        ({"data": {"unseen_kinds": "3"}}, "data.unseen_kinds must be a list, got '3'"),
        ({"data": {"unseen_kinds": [3]}}, "unseen_kinds: each item must be a string, got 3"),
        ({"loss": {"regime": "both"}}, "regime must be one of joint, random"),
        ({"loss": {"patch_size": 5}}, "patch size 5 does not divide the image size 16x16: choose"),
        (
            {"loss": {"patch_size": 8, "patch_count": 5}},
            "patch count 5 is not between 1 and 4, the number of patches",
        ),
        ({"loss": {"abc": -1}}, "abc must be at least 0"),
        ({"score": {"views": 3}}, "score.views must be 1, 2 or 4, got 3"),
        ({"score": {"views": 2}}, "training does not mirror images so: set train.flip, or fewer"),
        (
            {"score": {"views": 4}, "train": {"flip": True}},
            "training does not mirror images so: set train.flip_vertical",
        ),
        ({"train": {"transplant": 1.5}}, "train.transplant must be between 0 and 1, got 1.5"),
        (
            {"train": {"transplant": 0.5}},
            "train.transplant are for tiles: set data.tile",
        ),
        (
            {"data": {"tile_clusters": 8}},
            "tile_clusters is for tiles: set data.tile, or leave",
        ),
        ({"data": {"tile_clusters": -1}}, "tile_clusters must be at least 0"),
        (
            {"train": {"normal_candidates": 3}},
            "normal_candidates is for tiles: set data.tile, or",
        ),
        ({"train": {"normal_candidates": 0}}, "normal_candidates must be at least 1"),
        ({"train": {"epochs": 0}}, "epochs must be at least 1"),
        ({"train": {"epochs": True}}, "epochs must be an integer, got True"),
        ({"train": {"learning_rate": float("nan")}}, "learning_rate must be between"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": 2**40}, "less than 4294967296"),
    ],
)
def test_wrong_settings_are_one_clear_error(layer: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        make_config(layer)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "views"),
    [
        ({}, 2),
        ({"train": {"flip": False}}, 1),
        ({"train": {"flip": False}, "score": {"views": 1}}, 1),
        ({"train": {"flip_vertical": True}, "score": {"views": 4}}, 4),
    ],
)
def test_tiles_are_scored_over_the_views_that_training_sees(layer: dict, views: int) -> None:
    data = {"data": {"dataset": "folder", "size": 256, "tile": 128}}
    assert make_config(data, layer).score.views == views


def test_a_recorded_configuration_has_no_defaults_of_today() -> None:
    config = make_config({"data": {"dataset": "folder", "size": 256, "tile": 128}})
    assert recorded_config(tomllib.loads(to_toml(config))) == config
    older = tomllib.loads(to_toml(config))
    for section, key in (("score", "views"), ("train", "transplant"), ("train", "checkpoint")):
        del older[section][key]
    read = recorded_config(older)
    assert (read.score.views, read.train.transplant, read.train.checkpoint) == (1, 0.0, "best")
    assert read.train.zoom == config.train.zoom


def test_a_section_that_is_none_is_named_also_below_flags() -> None:
    with pytest.raises(UserError, match="data must be a section, got 3"):
        make_config({"data": 3}, {"data": {"size": None}})


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("epochs = = 3")
    with pytest.raises(UserError, match="not valid TOML"):
        read_config(tmp_path / "bad.toml")


@pytest.mark.parametrize("dataset", ["mnist", "cifar10", "digits"])
def test_the_default_shift_of_a_data_set_is_not_that_of_tiles(dataset: str) -> None:
    data = {"dataset": dataset, "size": 64, "tile": 32}
    assert make_config({"data": data}).train.shift == 0
    with pytest.raises(UserError, match="tiles are cut at random places"):
        make_config({"data": data}, {"train": {"shift": 1}})
