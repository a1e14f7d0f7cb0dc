"""One small trained run and its int8 bundle, shared by all tests that need one."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ganad_tf.config import RunConfig, make_config
from ganad_tf.run import Run
from ganad_tf.targets.profile import TARGETS
from tests.support.parts import save_part
from tests.support.shared import copy_of_shared

if TYPE_CHECKING:
    from selenium import webdriver


@pytest.fixture(scope="session")
def small_config() -> RunConfig:
    return make_config({"train": {"epochs": 4, "passes": 6, "learning_rate": 3e-3}})


@pytest.fixture(scope="session")
def small_run(small_config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A trained and evaluated run on the digits; read it, do not change it."""

    def make(folder: Path) -> None:
        from ganad_tf.evaluation.evaluate import evaluate
        from ganad_tf.training.train import train

        evaluate(train(small_config, folder))

    return Run.open(copy_of_shared(tmp_path_factory, "small", make))


@pytest.fixture(scope="session")
def bundles(small_run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The verified bundles of `small_run` by target; copy one to change it."""

    def make(folder: Path) -> None:
        from ganad_tf.exporting.export import export
        from ganad_tf.exporting.verify import verify

        shutil.copytree(small_run.folder, folder)
        run = Run.open(folder)
        verify(export(run, TARGETS), run, max_drop=0.05)

    exported = copy_of_shared(tmp_path_factory, "exported", make) / "bundles"
    folders = {target: small_run.folder / "bundles" / target for target in TARGETS}
    for target, folder in folders.items():
        shutil.copytree(exported / target, folder)
    return folders


@pytest.fixture(scope="session")
def bundle_folder(bundles: dict[str, Path]) -> Path:
    """The verified bundle of `small_run` for the CPU; copy it to change it."""
    return bundles["cpu"]


@pytest.fixture
def copied(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the CPU's bundle of `small_run`."""
    folder = tmp_path / "bundle"
    shutil.copytree(bundle_folder, folder)
    return folder


@pytest.fixture(scope="session")
def part_pictures(small_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 20 test images of `small_run` as PNG files, named `<kind>-<index>.png`."""

    folder = tmp_path_factory.mktemp("parts")
    data = small_run.splits.test.data
    for index in range(20):
        name = f"{data.kind_names[data.kinds[index]]}-{index:02d}.png"
        Image.fromarray(data.images[index, :, :, 0]).save(folder / name)
    return folder


@pytest.fixture
def good_pictures(small_run: Run, tmp_path: Path) -> Path:
    """The normal images of the test split, and a file that is no picture."""
    folder = tmp_path / "good"
    folder.mkdir()
    for index, image in enumerate(small_run.splits.test.normals):
        Image.fromarray(image[:, :, 0]).save(folder / f"{index}.png")
    (folder / "broken.png").touch()
    return folder


@pytest.fixture(scope="session")
def int8_model(bundle_folder: Path) -> Path:
    """The exported int8 TFLite file of `small_run`, inside its verified bundle."""
    return bundle_folder / "model.tflite"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["webdriver.Chrome"]:
    """Headless Chromium."""
    from tests.support.browser import open_browser

    with open_browser(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture
def log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.LogCaptureFixture]:
    """What `ganad_tf` logs, whether or not the command line has taken over its logger."""
    logger = logging.getLogger("ganad_tf")
    monkeypatch.setattr(logger, "propagate", False)
    caplog.set_level(logging.INFO, logger.name)
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def part_folder(tmp_path: Path) -> Path:
    """Twenty good parts and two kinds of defects as pictures of mixed formats and sizes."""
    rng = np.random.default_rng(0)
    root = tmp_path / "parts"
    for kind, count in (("normal", 20), ("scratch", 8), ("stain", 6)):
        (root / kind).mkdir(parents=True)
        for index in range(count):
            side = int(rng.integers(40, 60))
            suffix = ("png", "jpg", "bmp")[index % 3]
            save_part(root / kind / f"part {index}.{suffix}", kind, side, rng)
    return root
