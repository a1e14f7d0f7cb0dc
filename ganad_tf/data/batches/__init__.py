"""Batches of images for training."""

from ganad_tf.system.environment import prepare_environment

prepare_environment()
