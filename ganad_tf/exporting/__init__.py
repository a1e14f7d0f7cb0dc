"""From a trained run to verified bundles for stations."""

from ganad_tf.system.environment import prepare_environment

prepare_environment()
