"""One small trained run and its int8 bundle, shared by all tests that need one."""

from pathlib import Path

import numpy as np
import pytest

from ganad_tf.config import RunConfig
from ganad_tf.runs import Run
from ganad_tf.settings import make_config
from tests.parts import save_part


@pytest.fixture(scope="session")
def small_config() -> RunConfig:
    return make_config({"train": {"epochs": 4, "passes": 6, "learning_rate": 3e-3}})


@pytest.fixture(scope="session")
def small_run(small_config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A trained and evaluated run on the digits; read it, do not change it."""
    from ganad_tf.evaluation import evaluate
    from ganad_tf.training import train

    run = train(small_config, tmp_path_factory.mktemp("runs") / "small")
    evaluate(run)
    return run


@pytest.fixture(scope="session")
def int8_model(small_run: Run) -> Path:
    """The exported int8 file of `small_run`, inside its bundle."""
    from ganad_tf.export import Variant, export

    return export(small_run, Variant())


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
