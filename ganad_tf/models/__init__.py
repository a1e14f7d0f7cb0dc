"""The generator, the discriminators, and the detector that trains them."""

from ganad_tf.system.environment import prepare_environment

prepare_environment()
