"""Settings that libraries read once, when they are imported."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STDERR = 2
THREADS_VARIABLE = "TF_NUM_INTRAOP_THREADS"


def prepare_environment() -> None:
    """Set the environment variables that TensorFlow, Keras and joblib read when they are imported.

    The packages whose modules import TensorFlow call this first. Variables that are set already
    keep their values.

    - oneDNN kernels are off by default on CPUs without AVX-512 VNNI, where a training step takes
      up to twice as long without them.
    - An operation gets one thread, and operations run in parallel: the networks are too small to
      be worth dividing an operation, and an undivided one adds up in the same order on any number
      of cores.
    - The log level hides what TensorFlow says about missing GPUs; lower it to look for one.
    - joblib, which scikit-learn uses, warns if it cannot count physical cores, so it is told the
      number of logical ones.
    """
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", str(os.cpu_count() or 1))
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault(THREADS_VARIABLE, "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def import_tensorflow_quietly() -> None:
    """Import TensorFlow without the messages that it writes before a log level takes effect.

    Its warnings, such as those about retraced functions, are for developers and are hidden, too.
    An import that fails still raises its own error.
    """
    prepare_environment()
    with (
        Path(os.devnull).open("w") as nowhere,
        native_errors_to(nowhere.fileno()),
        _no_garbage_collection(),
    ):
        import tensorflow
    tensorflow.get_logger().setLevel("ERROR")


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause the search for reference cycles, which takes a sixth of the time of an import."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def native_errors_to(descriptor: int) -> Iterator[None]:
    """Redirect the descriptor of stderr, which libraries below Python write to."""
    saved = os.dup(STDERR)
    try:
        os.dup2(descriptor, STDERR)
        yield
    finally:
        os.dup2(saved, STDERR)
        os.close(saved)
