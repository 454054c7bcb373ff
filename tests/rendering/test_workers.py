"""Processes that crash, hang, raise or never start: the rest of the work goes on."""

import functools
import os
import signal
import time

import pytest

from eig_tf.rendering import workers


def _act(task):
    if task == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if task == "exit":
        os._exit(3)
    if task == "hang":
        time.sleep(60)
    if task == "raise":
        raise FileNotFoundError(2, "No such file", "x.obj")
    return task * 2


def make_handler():
    return _act


def make_handler_that_raises():
    raise ValueError("no graphics")


def make_handler_that_crashes():
    os.kill(os.getpid(), signal.SIGSEGV)


def make_slow_handler(folder):
    """Notes when each task starts, which tells whether two were at work at once."""
    def handle(task):
        (folder / f"{task}-{os.getpid()}").touch()
        time.sleep(0.05)
        return os.getpid()
    return handle


def test_what_happens_to_one_task_happens_to_it_alone():
    tasks = ["crash", 1, "exit", 2, "hang", "raise", 3]
    outcomes = dict(workers.run(tasks, make_handler, processes=2, time_limit=1))
    assert [outcomes[number] for number in (1, 2, 3)] == [2, 4, 6]
    assert outcomes["crash"] == workers.Failure("its process crashed (SIGSEGV)")
    assert outcomes["exit"] == workers.Failure("its process ended with status 3")
    assert outcomes["hang"] == workers.Failure("not done after 1 seconds")
    assert outcomes["raise"].reason.startswith("FileNotFoundError: [Errno 2] No such file")
    assert outcomes["raise"].error.filename == "x.obj"
    assert len(outcomes) == len(tasks)


def test_processes_are_kept_and_at_most_as_many_as_asked(tmp_path):
    make = functools.partial(make_slow_handler, tmp_path)
    results = list(workers.run(list(range(12)), make, processes=2, time_limit=60))
    assert sorted(task for task, _ in results) == list(range(12))
    assert len({process for _, process in results}) <= 2
    assert len(list(tmp_path.iterdir())) == 12


def test_no_more_processes_than_tasks(tmp_path):
    make = functools.partial(make_slow_handler, tmp_path)
    assert len(list(workers.run([1], make, processes=50, time_limit=60))) == 1
    assert list(workers.run([], make, processes=2, time_limit=60)) == []


@pytest.mark.parametrize("make, reason", [
    (make_handler_that_raises, "ValueError: no graphics"),
    (make_handler_that_crashes, r"its process crashed \(SIGSEGV\)")])
def test_a_process_that_cannot_start_ends_it_all(make, reason):
    with pytest.raises(workers.StartError, match=reason):
        list(workers.run([1, 2], make, processes=2, time_limit=60))


def test_processes_end_with_the_caller(tmp_path):
    make = functools.partial(make_slow_handler, tmp_path)
    running = workers.run(list(range(100)), make, processes=1, time_limit=60)
    _, process = next(running)
    os.kill(process, 0)
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
