"""Runs: the folders that hold everything about one training, from configuration to plots."""

from ganad_tf.run.files import RUN_FILE
from ganad_tf.run.folder import DEFAULT_RUNS, Run

__all__ = ["DEFAULT_RUNS", "RUN_FILE", "Run"]
