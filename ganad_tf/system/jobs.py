"""Independent jobs in processes on this machine or on a Ray cluster.

TensorFlow gains little from a second thread on networks this small. Many jobs are therefore done
fastest by one process per core with one thread each.
"""

import importlib
import importlib.util
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TextIO

from ganad_tf.errors import UserError, reason
from ganad_tf.system.environment import (
    cores,
    import_tensorflow_quietly,
    native_errors_to,
    prepare_environment,
)

ENGINES = ("local", "ray")
RAY_STORE_BYTES = 100 * 2**20

Running = dict[Connection, tuple[str, BaseProcess]]


@dataclass(frozen=True)
class Job:
    """A function call that does not depend on other calls.

    Attributes:
        name: Name of the job, which its outcome carries.
        work: A function of a module other than `__main__`; it is called in a new process.
        arguments: The arguments of the function; they must be picklable, and paths absolute.
    """

    name: str
    work: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        name: Name of the job.
        result: The return value of its function, None if the job failed.
        error: The reason why the job failed, in one line; None if it did not.
    """

    name: str
    result: Any = None
    error: str | None = None


def run_jobs(
    jobs: Sequence[Job], engine: str = "local", workers: int | None = None, threads: int = 1
) -> Iterator[Outcome]:
    """Run jobs, each in a new process, so that none depends on the jobs before it.

    A job that fails, or whose process is killed, does not stop the others. The processes end with
    the process that started them, or when the iterator is closed.

    Args:
        jobs: The jobs, in the order in which they are started.
        engine: `local` to start processes on this machine; `ray` to start tasks on the cluster in
            the variable RAY_ADDRESS, or on a local one that ends with the jobs.
        workers: Number of jobs that run at once, by default one per core. A cluster that is
            already running decides for itself.
        threads: Number of threads per job.

    Yields:
        The outcomes, as the jobs finish.

    Raises:
        UserError: If the engine is `ray` and Ray is not installed.
    """
    if not jobs:
        return
    workers = workers or cores()
    if engine == "ray":
        yield from _run_on_ray(jobs, workers, threads)
    else:
        yield from _run_locally(jobs, workers, threads)


class Countdown:
    """Counts finished jobs and estimates the time that the remaining ones will take.

    Args:
        total: Number of jobs.
    """

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.started = time.monotonic()

    def line(self, outcome: str) -> str:
        """Count one job as done and return the line to print of it."""
        self.done += 1
        pace = (time.monotonic() - self.started) / self.done
        minutes, seconds = divmod(round(pace * (self.total - self.done)), 60)
        hours, minutes = divmod(minutes, 60)
        left = f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
        return f"[{self.done}/{self.total}] {outcome}  ({left} left)"


@contextmanager
def printing_to(path: Path) -> Iterator[None]:
    """Append what this process prints and logs to a file, for jobs that run side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("a", encoding="utf-8", buffering=1) as file,
        redirect_stdout(file),
        native_errors_to(file.fileno()),
        _logging_to(file),
    ):
        yield


@contextmanager
def _logging_to(file: TextIO) -> Iterator[None]:
    logger = logging.getLogger("ganad_tf")
    former = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [logging.StreamHandler(file)], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers, logger.level, logger.propagate = former


def _run_locally(jobs: Sequence[Job], workers: int, threads: int) -> Iterator[Outcome]:
    waiting = deque(jobs)
    running: Running = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.popleft()
                connection, process = _start(job, threads)
                running[connection] = job.name, process
            ready = set(wait(list(running)))
            for connection in [connection for connection in running if connection in ready]:
                name, process = running.pop(connection)
                yield _collect(name, connection, process)
    finally:
        for _, process in running.values():
            process.kill()


def _start(job: Job, threads: int) -> tuple[Connection, BaseProcess]:
    spawning = multiprocessing.get_context("spawn")
    receiver, sender = spawning.Pipe(duplex=False)
    # Pickled apart: the function's module must not be imported before TensorFlow is set up.
    call = pickle.dumps((job.work, job.arguments))
    process = spawning.Process(target=_serve, args=(call, threads, sender), daemon=True)
    process.start()
    sender.close()
    return receiver, process


def _collect(name: str, connection: Connection, process: BaseProcess) -> Outcome:
    with connection:
        try:
            result, error = connection.recv()
        except EOFError:
            process.join()
            return Outcome(name, error=f"its process {_describe_end(process.exitcode or 0)}")
    process.join()
    return Outcome(name, result, error)


def _describe_end(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def _serve(call: bytes, threads: int, sender: Connection) -> None:
    # An interrupt from the keyboard goes to all processes; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sender.send(_call(call, threads))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _call(call: bytes, threads: int) -> tuple[Any, str | None]:
    """Set up TensorFlow, then return the result of a pickled call, or one line on its failure."""
    try:
        _limit_threads(threads)
        work, arguments = pickle.loads(call)  # noqa: S301 (it comes from this program)
        return work(*arguments), None
    except UserError as error:
        return None, str(error)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return None, f"{type(error).__name__}: {reason(error)}"


def _limit_threads(threads: int) -> None:
    prepare_environment()
    import_tensorflow_quietly()
    import tensorflow as tf
    from threadpoolctl import threadpool_limits

    tf.config.threading.set_inter_op_parallelism_threads(threads)
    threadpool_limits(threads)


def _run_on_ray(jobs: Sequence[Job], workers: int, threads: int) -> Iterator[Outcome]:
    if importlib.util.find_spec("ray") is None:
        raise UserError('Ray is not installed: pip install "ganad-tf[ray]"')
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = importlib.import_module("ray")
    if "RAY_ADDRESS" in os.environ:
        ray.init(address=os.environ["RAY_ADDRESS"], logging_level=logging.ERROR)
    else:
        ray.init(
            address="local",
            num_cpus=workers * threads,
            object_store_memory=RAY_STORE_BYTES,
            include_dashboard=False,
            logging_level=logging.ERROR,
        )
    try:
        task = ray.remote(num_cpus=threads, max_calls=1, max_retries=0)(_call)
        names = {
            task.remote(pickle.dumps((job.work, job.arguments)), threads): job.name for job in jobs
        }
        while names:
            (finished,), _ = ray.wait(list(names), num_returns=1)
            yield _fetch(ray, names.pop(finished), finished)
    finally:
        ray.shutdown()


def _fetch(ray: Any, name: str, finished: Any) -> Outcome:
    try:
        result, error = ray.get(finished)
    except ray.exceptions.RayError as crash:
        return Outcome(name, error=f"its process ended early: {reason(crash)}")
    return Outcome(name, result, error)
