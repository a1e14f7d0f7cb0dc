"""Settings that libraries read once, when they are imported."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STDERR = 2
THREADS_VARIABLE = "TF_NUM_INTRAOP_THREADS"


def prepare() -> None:
    """Set the variables that are not set yet; import TensorFlow only afterwards.

    oneDNN's kernels are off by default on CPUs without AVX-512 VNNI, where a training step
    takes up to twice as long without them. An operation gets one thread and operations run side
    by side: the networks are too small to be worth dividing an operation, and undivided it adds
    up in the same order whatever the number of cores. The log level hides what TensorFlow says
    about GPUs that are not there; set it lower to look for one that should be. joblib, below
    scikit-learn, warns where it cannot count physical cores, so it is told of the logical ones.
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
    """Import TensorFlow without the notes that it writes before any log level counts.

    Its warnings, of retraced functions and the like, are for who develops with it, not for who
    uses this. A failing import still raises, with its own message.
    """
    with Path(os.devnull).open("w") as nowhere, native_errors_to(nowhere.fileno()):
        import tensorflow
    tensorflow.get_logger().setLevel("ERROR")


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
