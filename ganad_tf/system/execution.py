"""Settings of TensorFlow for a training, an evaluation or a quantization."""

import contextlib
import math
import os

import keras
import tensorflow as tf

from ganad_station.sizes import ImageSize, height_and_width
from ganad_tf.system.environment import THREADS_VARIABLE, cores

LARGEST_UNDIVIDED = 64
"""Height and width in pixels up to which parallel operations are faster than divided ones."""


def prepare_execution(seed: int, trained_size: ImageSize) -> None:
    """Seed the initial weights, select deterministic kernels, and set the number of threads.

    On images of up to 64x64 pixels, or as many, an operation runs in one thread, see
    `environment.prepare_environment`. On larger images it is divided among all cores that this
    process may use, unless the variable `TF_NUM_INTRAOP_THREADS` has been set, or TensorFlow has
    already executed something, after which the number of threads cannot change.

    Args:
        seed: The seed, in [0, 2**32).
        trained_size: Height and width in pixels of the images or tiles that are trained on, or one
            number for squares.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    is_left_to_us = os.environ.get(THREADS_VARIABLE) == "1"
    if math.prod(height_and_width(trained_size)) > LARGEST_UNDIVIDED**2 and is_left_to_us:
        operations = tf.config.threading.get_inter_op_parallelism_threads()
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(operations or cores())
