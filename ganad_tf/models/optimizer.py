"""Adam with one operation of TensorFlow per variable."""

from typing import Any

import keras
import tensorflow as tf

from ganad_tf.models.supported import check_supported


@keras.saving.register_keras_serializable(package="ganad_tf")
class FusedAdam(keras.optimizers.Adam):
    """A `keras.optimizers.Adam` that updates each variable and its moments in one operation.

    The three networks have 42 small variables, and Keras spends some fifteen operations on each.
    Clipping, weight decay and averaging of the weights work as in Keras.

    Raises:
        ValueError: If `amsgrad` is set.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check_supported(self, amsgrad=False)

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Update one variable (Kingma and Ba, ICLR 2015, algorithm 1, in its efficient form)."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )
