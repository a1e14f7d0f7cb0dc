import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganad_tf.errors import UserError
from ganad_tf.system.environment import cores
from ganad_tf.system.jobs import Countdown, Job, Outcome, printing_to, run_jobs


def describe_process(number: int) -> dict[str, int]:
    import tensorflow as tf

    return {
        "number": number,
        "process": os.getpid(),
        "threads_of_an_operation": int(os.environ["TF_NUM_INTRAOP_THREADS"]),
        "operations": tf.config.threading.get_inter_op_parallelism_threads(),
    }


def refuse() -> None:
    raise UserError("the data are missing: restore them")


def fail() -> None:
    raise ValueError("first line\nsecond line")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(3)


def mark_and_wait(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(600)


MIXED = [
    Job("fails", fail, ()),
    Job("is killed", die, ()),
    Job("refuses", refuse, ()),
    Job("works", describe_process, (1,)),
    Job("works, too", describe_process, (2,)),
]


def by_name(outcomes: list[Outcome]) -> dict[str, Outcome]:
    assert len({outcome.name for outcome in outcomes}) == len(outcomes)
    return {outcome.name: outcome for outcome in outcomes}


def assert_mixed(outcomes: list[Outcome]) -> None:
    found = by_name(outcomes)
    assert set(found) == {job.name for job in MIXED}
    assert found["fails"].error == "ValueError: first line"
    assert found["refuses"].error == "the data are missing: restore them"
    assert found["is killed"].error.startswith("its process ")
    first, second = found["works"], found["works, too"]
    assert first.error is None
    assert second.error is None
    assert first.result["process"] != second.result["process"]
    assert first.result["operations"] == first.result["threads_of_an_operation"] == 1
    assert (first.result["number"], second.result["number"]) == (1, 2)


def test_a_failed_and_a_killed_job_do_not_stop_the_others() -> None:
    outcomes = list(run_jobs(MIXED, workers=2))
    assert_mixed(outcomes)
    assert by_name(outcomes)["is killed"].error == "its process was killed by SIGKILL"


@pytest.mark.slow
def test_ray_runs_the_same_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    # Other tests run beside it, and Ray gives its workers a low priority.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    assert_mixed(list(run_jobs(MIXED, "ray", workers=2)))


def test_a_process_that_leaves_without_a_result_is_a_failure() -> None:
    (outcome,) = run_jobs([Job("leaves", leave, ())])
    assert outcome == Outcome("leaves", error="its process ended with 3")


def test_every_process_gets_the_threads_asked_for() -> None:
    (outcome,) = run_jobs([Job("works", describe_process, (0,))], threads=2)
    assert outcome.result["operations"] == 2
    assert outcome.result["threads_of_an_operation"] == 1
    assert outcome.result["process"] != os.getpid()


def test_ray_that_is_missing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r'pip install "ganad-tf\[ray\]"'):
        list(run_jobs([Job("works", describe_process, (0,))], "ray"))


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ganad_tf.system.jobs import Job, run_jobs; "
        "from tests.system.test_jobs import mark_and_wait; "
        "list(run_jobs([Job('waits', mark_and_wait, (Path(sys.argv[1]),))]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    wait_until(lambda: any(tmp_path.iterdir()))
    (mark,) = tmp_path.iterdir()
    assert alive(int(mark.name))
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(int(mark.name)))


def test_closing_the_iterator_ends_what_still_runs(tmp_path: Path) -> None:
    jobs = [Job("waits", mark_and_wait, (tmp_path,)), Job("works", describe_process, (0,))]
    outcomes = run_jobs(jobs, workers=2)
    assert next(outcomes).name == "works"
    wait_until(lambda: any(tmp_path.iterdir()))
    (mark,) = tmp_path.iterdir()
    outcomes.close()
    wait_until(lambda: not alive(int(mark.name)))


def test_the_countdown_goes_by_the_pace_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((0.0, 30.0, 3600.0 * 4, 3600.0 * 6))
    monkeypatch.setattr("ganad_tf.system.jobs.time.monotonic", lambda: next(times))
    countdown = Countdown(3)
    assert countdown.line("a: .9") == "[1/3] a: .9  (1 min 00 s left)"
    assert countdown.line("b") == "[2/3] b  (2 h 00 min left)"
    assert countdown.line("c") == "[3/3] c  (0 min 00 s left)"


def test_what_a_job_prints_and_logs_goes_into_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "logs" / "job.log"
    for text in ("first", "second"):
        with printing_to(path):
            print(text)
            logging.getLogger("ganad_tf.training.train").info("logged %s", text)
    print("outside")
    assert path.read_text() == "first\nlogged first\nsecond\nlogged second\n"
    assert capsys.readouterr().out == "outside\n"


def test_there_is_a_core_to_use() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
