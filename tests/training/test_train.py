import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from ganad_tf.config import RunConfig, make_config
from ganad_tf.data.batches.make import paired_batches
from ganad_tf.data.labeled import DEFECT_PIXEL, UNKNOWN_PIXEL
from ganad_tf.data.sources import load_splits
from ganad_tf.errors import UserError
from ganad_tf.evaluation.evaluate import evaluate
from ganad_tf.evaluation.localization import BINS
from ganad_tf.models.checkpoints import load_checkpoint, load_generator
from ganad_tf.run import Run
from ganad_tf.system.files import TEMPORARY
from ganad_tf.training.train import resume, train

TINY = {"train": {"epochs": 1, "passes": 1}}


def test_a_run_holds_everything(small_run: Run) -> None:
    names = {path.name for path in small_run.folder.iterdir()}
    assert names >= {
        "config.toml",
        "run.json",
        "splits.csv",
        "appearance.json",
        "history.json",
        "best.keras",
        "last.keras",
        "generator.keras",
        "metrics.json",
        "history.png",
        "roc.png",
        "scores.png",
        "sheet.png",
    }
    assert Run.open(small_run.folder) == small_run


def test_the_splits_are_recorded_as_they_were_used(small_run: Run) -> None:
    splits = small_run.splits
    with (small_run.folder / "splits.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name, split in splits.items():
        recorded = [row["name"] for row in rows if row["split"] == name]
        assert recorded == split.data.names.tolist()
    assert len({row["name"] for row in rows}) == len(rows) == 1797


def test_the_generator_is_that_of_the_best_epoch_on_validation(small_run: Run) -> None:
    history = small_run.read_history()
    best = max(entry["validation_auroc"] for entry in history)
    last_best = [e["epoch"] for e in history if e["validation_auroc"] == best][-1]
    checkpoint = load_checkpoint(small_run.best_path)
    batches = paired_batches(small_run.config, small_run.splits.train)
    assert int(checkpoint.optimizer.iterations) == last_best * batches.steps
    generator = load_generator(small_run.generator_path)
    for mine, expected in zip(
        generator.weights, checkpoint.averaged_generator.weights, strict=True
    ):
        assert np.array_equal(mine, expected)


def test_training_is_better_than_chance_and_validation_does_not_see_test(small_run: Run) -> None:
    assert max(entry["validation_auroc"] for entry in small_run.read_history()) > 0.8
    splits = small_run.splits
    assert not {*splits.validation.data.names} & {*splits.test.data.names}


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one epoch, not evaluated; read it, do not change it."""
    return train(make_config(TINY), tmp_path_factory.mktemp("tiny") / "run")


def test_the_same_configuration_gives_the_same_result(tmp_path: Path, tiny_run: Run) -> None:
    again = train(make_config(TINY), tmp_path / "again")
    assert again.read_history() == tiny_run.read_history()
    other = train(make_config(TINY, {"seed": 1}), tmp_path / "other")
    assert other.read_history() != tiny_run.read_history()


def test_a_folder_in_use_is_not_overwritten(tmp_path: Path, small_config: RunConfig) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        train(small_config, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_divergence_is_one_clear_error(tmp_path: Path) -> None:
    config = make_config(
        {"train": {"epochs": 2, "passes": 1, "learning_rate": 0.5}, "loss": {"abc": 1e30}}
    )
    with pytest.raises(UserError, match="training diverged in epoch"):
        train(config, tmp_path / "diverged")


def test_pictures_of_a_folder_train_and_their_masks_are_evaluated(
    tmp_path: Path, part_folder: Path
) -> None:
    (part_folder / "masks" / "stain").mkdir(parents=True)
    for path in (part_folder / "stain").iterdir():
        stain = Image.open(path).convert("L").point(lambda level: 255 if level < 60 else 0)
        stain.save(part_folder / "masks" / "stain" / f"{path.stem}.png")
    config = make_config(
        {
            "data": {"dataset": "folder", "data_dir": str(part_folder), "size": 32},
            "train": {"epochs": 1, "batch_size": 4},
        }
    )
    run = train(config, tmp_path / "run")
    generator = load_generator(run.generator_path)
    assert generator.input_shape == (None, 32, 32, 1)
    evaluation = evaluate(run)
    assert evaluation.localization is not None
    assert evaluation.localization.pictures == 2
    test = run.splits.test.data
    known = ~np.any(test.masks == UNKNOWN_PIXEL, axis=(1, 2))
    images = test.images[known] / np.float32(255)
    errors = np.abs(images - np.clip(generator.predict(images, verbose=0), 0, 1))
    expected = roc_auc_score(test.masks[known].ravel() == DEFECT_PIXEL, errors.ravel())
    assert evaluation.localization.pixel_auroc.value == pytest.approx(expected, abs=1 / BINS)
    # Six good parts resolve none of the rates.
    assert evaluation.normal_images == 6
    assert evaluation.recall_at == {}
    (part_folder / "normal" / "part 0.png").unlink()
    with pytest.raises(UserError, match="the data files have changed"):
        _ = Run.open(run.folder).splits


def test_checkpoints_that_cannot_be_loaded(tmp_path: Path, small_run: Run) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load_checkpoint(tmp_path / "none.keras")
    torn = tmp_path / "torn.keras"
    torn.write_bytes(small_run.last_path.read_bytes()[:5000])
    with pytest.raises(UserError, match="cannot be loaded"):
        load_checkpoint(torn)
    with pytest.raises(UserError, match="not a AnomalyDetector"):
        load_checkpoint(small_run.generator_path)


@pytest.mark.slow
def test_resuming_before_the_first_checkpoint_starts_over(tmp_path: Path, tiny_run: Run) -> None:
    started = tmp_path / "started"
    started.mkdir()
    for name in ("run.json", "config.toml", "splits.csv"):
        (started / name).write_bytes((tiny_run.folder / name).read_bytes())
    resumed = resume(Run.open(started))
    assert resumed.read_history() == tiny_run.read_history()


def test_resuming_removes_what_a_killed_process_left(
    tmp_path: Path, tiny_run: Run, log: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(tiny_run.folder, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    run.generator_path.unlink()
    leftover = run.folder / f"{TEMPORARY}4711.last.keras"
    leftover.write_bytes(b"half a file")
    bundle = run.folder / "bundles" / "cpu"
    bundle.mkdir(parents=True)
    (bundle / "manifest.json").write_text("{}")
    run.metrics_path.write_text("{}")
    resume(run)
    assert run.is_trained
    assert not leftover.exists()
    # What was measured on the earlier generator does not count for the new one.
    assert not run.is_evaluated
    assert f"{bundle} is of the generator that is replaced now: export it again" in log.text


def test_a_damaged_or_short_history_is_not_resumed(tmp_path: Path, small_run: Run) -> None:
    shutil.copytree(small_run.folder, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    run.generator_path.unlink()
    for content, message in (("{torn", "cannot be read"), ("[]", "has 0 epochs")):
        run.history_path.write_text(content)
        with pytest.raises(UserError, match=message):
            resume(run)


def test_two_processes_do_not_train_the_same_run(tmp_path: Path, small_run: Run) -> None:
    shutil.copytree(small_run.folder, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    with run.exclusively(), pytest.raises(UserError, match="by another process"):
        resume(run)


def test_file_names_in_an_old_encoding_are_recorded(tmp_path: Path, part_folder: Path) -> None:
    name = os.fsdecode(b"Pr\xfcf.png")
    (part_folder / "normal" / "part 0.png").rename(part_folder / "normal" / name)
    config = make_config({"data": {"dataset": "folder", "data_dir": str(part_folder), "size": 16}})
    run = Run.create(tmp_path / "run", config, load_splits(config.data, 0))
    assert b"normal/Pr\xfcf.png" in (run.folder / "splits.csv").read_bytes()
