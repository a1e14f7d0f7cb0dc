"""How many threads an operation gets, each in a process of its own."""

import subprocess
import sys

from ganad_tf.system.environment import cores

SHOW = """
import os
import ganad_tf
from ganad_tf.system.environment import import_tensorflow_quietly
import_tensorflow_quietly()
import tensorflow as tf
from ganad_tf.system.execution import prepare_execution
{before}
for size in {sizes}:
    prepare_execution(0, size)
    chosen = tf.config.threading.get_intra_op_parallelism_threads()
    print(chosen or os.environ["TF_NUM_INTRAOP_THREADS"])
"""


def threads_of_an_operation(*sizes: int, before: str = "") -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(sizes=sizes, before=before)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line) for line in done.stdout.splitlines()]


def test_an_operation_is_divided_among_the_cores_on_large_images_only() -> None:
    assert threads_of_an_operation(16, 64, 128) == [1, 1, cores()]


def test_an_operation_has_no_more_threads_than_operations_run_side_by_side() -> None:
    one = "tf.config.threading.set_inter_op_parallelism_threads(1)"
    assert threads_of_an_operation(128, before=one) == [1]


def test_tensorflow_that_runs_already_keeps_its_threads() -> None:
    assert threads_of_an_operation(128, before="tf.zeros(1)") == [1]
