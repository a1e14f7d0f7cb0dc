"""Scores of images under the float model, and how well they tell anomalies from normal images."""

from ganad_tf.system.environment import prepare_environment

prepare_environment()
