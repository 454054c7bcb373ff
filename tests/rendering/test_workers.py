"""Worker processes that crash, hang, raise or never start: all other tasks are done."""

import functools
import os
import signal
import threading
import time

import pytest

pytest.importorskip("pebble")

from eig_tf.rendering.workers import Failure, StartError, run_tasks


def _handle(task):
    time.sleep(0.05)
    if task == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if task == "exit":
        os._exit(3)
    if task == "hang":
        time.sleep(60)
    if task == "raise":
        raise FileNotFoundError(2, "No such file", "x.obj")
    if task == "time-out":
        raise TimeoutError(110, "Connection timed out")
    return task * 2


def make_handler():
    return _handle


def make_handler_that_raises():
    raise ValueError("no graphics")


def make_handler_that_crashes():
    os.kill(os.getpid(), signal.SIGSEGV)


def make_handler_that_returns_its_process():
    def handle(task):
        time.sleep(0.05)
        return os.getpid()
    return handle


def make_handler_that_hangs(path):
    def handle(task):
        path.write_text(str(os.getpid()))
        time.sleep(600)
    return handle


def test_a_failure_concerns_one_task_alone():
    tasks = ["crash", 1, "exit", 2, "hang", "raise", "time-out", 3]
    outcomes = dict(run_tasks(tasks, make_handler, processes=2, time_limit=1))
    assert outcomes.keys() == set(tasks)
    assert [outcomes[number] for number in (1, 2, 3)] == [2, 4, 6]
    assert outcomes["crash"] == Failure("its process crashed (SIGSEGV)")
    assert outcomes["exit"] == Failure("its process ended with status 3")
    assert outcomes["hang"] == Failure("not done after 1 seconds")
    assert outcomes["raise"].reason.startswith("FileNotFoundError: [Errno 2] No such file")
    assert outcomes["raise"].error.filename == "x.obj"
    assert outcomes["time-out"].error.errno == 110


def test_crash_of_the_last_task_is_silent(capfd):
    for _ in range(3):
        assert len(list(run_tasks(["crash"], make_handler, processes=1, time_limit=60))) == 1
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("num_tasks, processes", [(12, 2), (1, 50), (0, 2)])
def test_processes_are_kept_and_limited(num_tasks, processes):
    results = list(run_tasks(range(num_tasks), make_handler_that_returns_its_process, processes, 60))
    assert sorted(task for task, _ in results) == list(range(num_tasks))
    assert len({process for _, process in results}) <= min(processes, num_tasks)


@pytest.mark.parametrize("make, reason", [
    (make_handler_that_raises, "ValueError: no graphics"),
    (make_handler_that_crashes, "a worker process crashed while it started")])
def test_process_that_cannot_start_ends_the_run(make, reason):
    with pytest.raises(StartError, match=reason):
        list(run_tasks([1, 2], make, processes=2, time_limit=60))


def test_processes_end_with_the_caller():
    running = run_tasks(range(100), make_handler_that_returns_its_process, processes=1, time_limit=60)
    _, process = next(running)
    os.kill(process, 0)
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, also in a shell's background jobs, which ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interruption_ends_busy_processes_at_once(tmp_path, interruptible):
    path, interrupted = tmp_path / "process", []

    def interrupt():
        while not path.exists() or not path.read_text():
            time.sleep(0.01)
        interrupted.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        list(run_tasks([1, 2], functools.partial(make_handler_that_hangs, path), processes=1, time_limit=60))
    assert time.monotonic() - interrupted[0] < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int(path.read_text()), 0)
