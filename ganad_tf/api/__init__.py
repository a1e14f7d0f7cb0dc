"""The public Python interface; use it as attributes of `ganad_tf`."""

from ganad_tf.system.environment import prepare_environment

prepare_environment()
