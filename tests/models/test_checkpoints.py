"""Checkpoints load wherever `ganad_tf.models.checkpoints` is imported."""

import subprocess
import sys
from pathlib import Path

import tensorflow as tf

from ganad_tf.config import LossConfig
from ganad_tf.models.checkpoints import save_model
from ganad_tf.models.detector import AnomalyDetector
from ganad_tf.models.optimizer import FusedAdam

LOAD = """
import sys
from pathlib import Path
from ganad_tf.models.checkpoints import load_checkpoint
optimizer = load_checkpoint(Path(sys.argv[1])).optimizer
print(type(optimizer).__name__, int(optimizer.iterations))
"""


def test_a_checkpoint_loads_with_its_optimizer_in_a_fresh_process(tmp_path: Path) -> None:
    detector = AnomalyDetector(16, 1, 2, LossConfig(patch_size=4))
    detector.compile(optimizer=FusedAdam(1e-3), run_eagerly=True)
    images = tf.random.uniform((2, 16, 16, 1))
    detector.fit(tf.data.Dataset.from_tensors((images, 1 - images)), verbose=0)
    save_model(detector, tmp_path / "last.keras")
    command = [sys.executable, "-c", LOAD, str(tmp_path / "last.keras")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["FusedAdam", "1"]
