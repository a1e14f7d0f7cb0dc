"""The public names of `ganad_tf`, and what importing it costs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganad_tf
from tests.support.parts import draw_part

PUBLIC_NAMES = {
    "Config",
    "Detector",
    "Prediction",
    "Run",
    "UserError",
    "evaluate",
    "export",
    "score_folder",
    "train",
    "verify",
}
IMPORT = """
import json, os, sys
before = dict(os.environ)
import ganad_tf
print(json.dumps({"same": dict(os.environ) == before, "modules": sorted(sys.modules)}))
"""
SHORTEN_TRAINING = """
from ganad_tf.config.defaults import DATASET_DEFAULTS
folder = DATASET_DEFAULTS["folder"]
DATASET_DEFAULTS["folder"] = folder._replace(train=folder.train.derive(epochs=2))
"""
README = Path(__file__).parents[2] / "README.md"


def test_the_public_names_are_these() -> None:
    assert {name for name in ganad_tf.__all__ if name != "__version__"} == PUBLIC_NAMES
    for name in PUBLIC_NAMES:
        assert getattr(ganad_tf, name).__doc__
    assert set(dir(ganad_tf)) >= PUBLIC_NAMES
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        _ = ganad_tf.tarin


def test_importing_is_light_and_changes_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["same"]
    heavy = {"tensorflow", "keras", "numpy", "PIL", "matplotlib", "sklearn", "click"}
    assert not heavy & set(found["modules"])


def test_a_data_set_trains_like_the_command_line(tmp_path: Path) -> None:
    run = ganad_tf.train("digits", runs=tmp_path, epochs=1, width=2, seed=3)
    assert run.folder == tmp_path / "digits-0"
    assert run.is_evaluated
    assert run.config.train.passes == 10
    assert (run.config.train.epochs, run.config.train.width, run.config.seed) == (1, 2, 3)
    again = ganad_tf.evaluate(str(run.folder), false_reject_rate=0.1)
    assert again.requested_false_reject_rate == 0.1
    with pytest.raises(ganad_tf.UserError, match="not empty"):
        ganad_tf.train("digits", runs=str(tmp_path))


def test_wrong_settings_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ganad_tf.UserError, match="not a multiple of 16"):
        ganad_tf.train("digits", runs=tmp_path, size=17)
    with pytest.raises(ganad_tf.UserError, match="give settings in the Config alone"):
        ganad_tf.train(ganad_tf.Config(), runs=tmp_path, size=32)
    with pytest.raises(ganad_tf.UserError, match=r"neither a data set .* nor a folder"):
        ganad_tf.train("digitz", runs=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for kind, count in (("normal", 14), ("scratch", 8)):
        folder = tmp_path / "parts" / kind
        folder.mkdir(parents=True)
        for number in range(count):
            Image.fromarray(draw_part(kind, 64, rng)).save(folder / f"{number}.png")
    Image.fromarray(draw_part("scratch", 64, rng)).save(tmp_path / "part.png")
    monkeypatch.chdir(tmp_path)
    (lines,) = re.findall(r"```python\n(import ganad_tf\n.*?)```", README.read_text(), re.DOTALL)
    show = "print(result.score, result.is_rejected, result.error_map.shape)\n"
    done = subprocess.run(
        [sys.executable, "-c", SHORTEN_TRAINING + lines + show],
        capture_output=True,
        text=True,
        check=True,
    )
    score, is_rejected, shape = done.stdout.splitlines()[-1].split(" ", 2)
    assert is_rejected in ("True", "False")
    assert shape == "(256, 256)"
    exported = ganad_tf.Detector.load("runs/parts/bundles/coral")
    assert exported.image_shape == (256, 256, 1)
    assert exported.predict("part.png").score == pytest.approx(float(score), abs=0.02)
