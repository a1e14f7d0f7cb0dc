"""How TensorFlow executes a training, an evaluation or a quantization."""

import contextlib
import os

import keras
import tensorflow as tf

from ganad_tf.system.environment import THREADS_VARIABLE, cores

LARGEST_UNDIVIDED = 64
"""Height and width in pixels up to which operations side by side beat operations divided."""


def prepare_execution(seed: int, trained_size: int) -> None:
    """Seed the initial weights, choose kernels that give the same sums every time, divide cores.

    Up to images of 64x64 pixels an operation has one thread, see `environment.prepare`. Larger
    ones are worth dividing among all the cores that this process may use; that comes too late,
    and is left out, where TensorFlow has executed something before. Another number of threads that
    the variable asks for is left alone.

    Args:
        seed: The seed, in [0, 2**32).
        trained_size: Height and width in pixels of the images or tiles that are trained on.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    is_left_to_us = os.environ.get(THREADS_VARIABLE) == "1"
    if trained_size > LARGEST_UNDIVIDED and is_left_to_us:
        operations = tf.config.threading.get_inter_op_parallelism_threads()
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(operations or cores())
