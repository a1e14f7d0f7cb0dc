"""A run on tiles, from a folder with masks to the score of a station."""

import argparse
import csv
import io
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from ganad_station.bundle import Bundle
from ganad_station.commands import selftest
from ganad_station.inspector import Inspector
from ganad_station.score import ScoreRule
from ganad_station.verification import Outcome
from ganad_tf.config import RunConfig, make_config
from ganad_tf.data.batches.candidate_tiles import CANDIDATES
from ganad_tf.data.batches.make import paired_batches
from ganad_tf.data.batches.tiles import TiledBatches
from ganad_tf.data.sources import load_splits
from ganad_tf.errors import UserError
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.exporting.export import export
from ganad_tf.exporting.verify import verify
from ganad_tf.models.checkpoints import load_checkpoint
from ganad_tf.run import Run
from ganad_tf.run.history import VALIDATION_AUROC
from ganad_tf.training.callbacks import Bookkeeper
from ganad_tf.training.train import resume, train
from tests.support.parts import write_marked_parts

SIZE, TILE = 64, 32
SETTINGS = {
    "data": {"dataset": "folder", "size": SIZE, "tile": TILE, "illumination": "brightness"},
    "loss": {"abc": 2.0, "abc_scale": 4.0, "adversarial": 0, "anomaly_adversarial": 0},
    "train": {"epochs": 5, "passes": 50, "learning_rate": 3e-3},
    "score": {"patch_size": 8, "patch_count": 1},
}


@pytest.fixture(scope="module")
def marked_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("marked")
    write_marked_parts(root, SIZE)
    return root


@pytest.fixture(scope="module")
def config(marked_folder: Path) -> RunConfig:
    return make_config(SETTINGS, {"data": {"data_dir": str(marked_folder)}})


@pytest.fixture(scope="module")
def run(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config, tmp_path_factory.mktemp("runs") / "tiled")


def test_small_defects_are_found_and_located(run: Run) -> None:
    evaluation = evaluate(run)
    assert evaluation.auroc.value > 0.9
    assert evaluation.localization is not None
    assert evaluation.localization.pixel_auroc.value > 0.9


def test_whole_pictures_are_validated_and_the_last_epoch_is_exported(run: Run) -> None:
    trained, exported = load_checkpoint(run.last_path), keras.models.load_model(run.generator_path)
    assert trained.averaged_generator.input_shape[1:3] == (TILE, TILE)
    assert exported.input_shape[1:3] == (SIZE, SIZE)
    for mine, expected in zip(exported.weights, trained.averaged_generator.weights, strict=True):
        assert np.array_equal(mine, expected)
    last = run.read_history()[-1][VALIDATION_AUROC]
    validation = load_splits(run.config.data, run.config.seed).validation
    images = validation.data.images.astype(np.float32) / 255
    views = [images, images[:, :, ::-1]]
    copies = [np.clip(exported.predict_on_batch(view), 0, 1) for view in views]
    as_it_is, mirrored = (
        np.abs(copy - view)[..., 0] for copy, view in zip(copies, views, strict=True)
    )
    errors = (as_it_is + mirrored[:, :, ::-1]) / 2
    worst = errors.reshape(len(errors), 8, 8, 8, 8).mean(axis=(2, 4)).max(axis=(1, 2))
    larger = worst[validation.is_anomaly][:, np.newaxis] > worst[~validation.is_anomaly]
    assert larger.mean() == pytest.approx(last, abs=0.02)


def test_a_station_scores_as_the_verified_file_does(run: Run, marked_folder: Path) -> None:
    evaluate(run)
    (path,) = export(run, ["coral"])
    (verification,) = verify([path], run)
    assert verification.outcome == Outcome.UNDECIDED  # of 18 pictures
    bundle = Bundle.open(path.parent)
    assert bundle.manifest.score == ScoreRule(patch_size=8, patch_count=1, views=2)
    assert "mean absolute reconstruction error" in bundle.manifest.to_dict()["score"]["definition"]
    inspector = Inspector(bundle)
    table = (path.parent / "verification" / f"{path.name}.csv").read_text()
    assert bundle.manifest.input.illumination == "brightness"
    assert selftest.run(argparse.Namespace(bundle=path.parent, accept_failed=False)) == 0
    for row in list(csv.DictReader(io.StringIO(table)))[:6]:
        score = inspector.inspect(marked_folder / row["name"]).score
        assert score == float(row["exported_score"])


@pytest.mark.slow
def test_an_interrupted_run_on_tiles_ends_as_an_undisturbed_one(
    config: RunConfig, run: Run, tmp_path: Path
) -> None:
    class Interrupted(BaseException):
        pass

    def stop(bookkeeper: Bookkeeper, epoch: int, logs: dict | None = None) -> None:
        if epoch == 2:
            raise Interrupted
        original(bookkeeper, epoch, logs)

    original = Bookkeeper.on_epoch_end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bookkeeper, "on_epoch_end", stop)
        with pytest.raises(Interrupted):
            train(config, tmp_path / "run")
    assert resume(Run.open(tmp_path / "run")).read_history() == run.read_history()


def test_anomalies_of_which_none_is_marked_are_refused(config: RunConfig) -> None:
    split = load_splits(config.data, 0).train
    object.__setattr__(split.data, "masks", np.full_like(split.data.masks, 2))
    with pytest.raises(UserError, match="no anomaly of the train split is marked"):
        paired_batches(config, split)


def test_synthetic_anomalies_beside_others_without_masks_are_refused(part_folder: Path) -> None:
    data = {"dataset": "folder", "data_dir": str(part_folder), "size": SIZE, "tile": TILE}
    config = make_config({"data": {**data, "anomaly_source": "both"}})
    with pytest.raises(UserError, match="has no masks"):
        load_splits(config.data, 0)


def test_pictures_without_a_mask_are_left_out(
    config: RunConfig, log: pytest.LogCaptureFixture
) -> None:
    split = load_splits(config.data, 0).train
    masks = split.data.masks.copy()
    masks[np.flatnonzero(split.is_anomaly)[:3]] = 2
    object.__setattr__(split.data, "masks", masks)
    batches = paired_batches(config, split)
    assert len(batches.anomalies) == split.is_anomaly.sum() - 3
    assert "left out: 3 defective pictures without a mask" in log.text


def test_as_many_of_each_kind_are_trained_on_as_asked_for(config: RunConfig) -> None:
    few = config.derive(data={"anomalies": 3})
    batches = paired_batches(few, load_splits(config.data, 0).train)
    assert isinstance(batches, TiledBatches)
    assert batches.masks is not None
    assert len(batches.anomalies) == len(batches.masks) == len(batches.kinds) == 3


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"data": {"tile": 24}}, "24 is not a multiple of 16"),
        ({"data": {"illumination": "even"}}, "illumination must be one of as-taken, brightness"),
        ({"data": {"tile": 96}}, "tile 96 is larger than the image size 64"),
        ({"train": {"shift": 2}}, "tiles are cut at random places"),
        ({"score": {"patch_size": 7}}, "score: patch size 7 does not divide the image size 64"),
        (
            {"score": {"patch_size": 32, "patch_count": 5}},
            "score: patch count 5 is not between 1 and 4",
        ),
        ({"data": {"anomalies": 0}}, "tiles need anomalies"),
        ({"loss": {"patch_count": 17}}, "loss: patch count 17 is not between 1 and 16, the number"),
    ],
)
def test_settings_that_do_not_fit_are_refused(config: RunConfig, layer: dict, message: str) -> None:
    data = {"dataset": "folder", "size": SIZE, "tile": TILE}
    with pytest.raises(UserError, match=message):
        make_config({"data": data}, layer)


def test_without_masks_tiles_are_candidates(part_folder: Path) -> None:
    data = {"dataset": "folder", "data_dir": str(part_folder), "size": SIZE, "tile": TILE}
    config = make_config({"data": data}, {"loss": {"abc_patches": 4}})
    batches = paired_batches(config, load_splits(config.data, 0).train)
    assert isinstance(batches, TiledBatches)
    assert batches.masks is None
    normal, anomaly = next(iter(batches.dataset(0, 1)))
    assert normal.shape == (12, TILE, TILE, 1)
    assert anomaly.shape == (12, CANDIDATES, TILE, TILE, 1)


@pytest.mark.slow
def test_small_defects_are_found_without_masks(marked_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(marked_folder, tmp_path / "parts")
    shutil.rmtree(tmp_path / "parts" / "masks")
    layer = {"data": {"data_dir": str(tmp_path / "parts")}, "loss": {"abc_patches": 1}}
    run = train(make_config(SETTINGS, layer), tmp_path / "run")
    assert evaluate(run).auroc.value > 0.8
