"""What other methods reach on the very same splits, batches and number of steps."""

from ganad_tf.system.environment import prepare_environment

prepare_environment()
