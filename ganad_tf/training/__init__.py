"""Training detectors, and searching for the weights of their losses."""

from ganad_tf.system.environment import prepare_environment

prepare_environment()
