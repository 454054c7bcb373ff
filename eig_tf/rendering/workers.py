"""Tasks in worker processes, where a crash or an endless loop fails one task and no other."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, Callable, NamedTuple

from pebble import ProcessExpired, ProcessPool

# Loading VTK from a cold disk on a busy machine takes long.
_START_SECONDS = 120
# What a worker process makes when it starts: its handler, or the reason why there is none.
_worker: dict[str, Any] = {}


class Failure(NamedTuple):
    """The reason why a task has no result.

    Attributes:
        reason: a sentence without its subject, such as "its process crashed (SIGSEGV)".
        error: the exception that the handler raised; None when its process ended or ran out of time.
    """

    reason: str
    error: Exception | None = None


class StartError(Exception):
    """A worker process cannot start; the message is the reason."""


def run_tasks(tasks: Sequence[Any], make_handler: Callable[[], Callable[[Any], Any]], processes: int,
              time_limit: float) -> Iterator[tuple[Any, Any]]:
    """Run every task in one of several worker processes.

    Args:
        tasks: arguments of the handler; they and the results can be pickled.
        make_handler: called once in each process; returns the handler, a function from task to result. It
            can be pickled.
        processes: the largest number of processes.
        time_limit: seconds that a task may take.

    Yields:
        (task, result or `Failure`), in order of completion.

    Raises:
        StartError: `make_handler` raises, crashes or hangs.
    """
    if not tasks:
        return
    others = set(multiprocessing.active_children())
    # The processes are spawned: graphics drivers do not survive a fork.
    pool = ProcessPool(min(processes, len(tasks)), initializer=_start_worker, initargs=(make_handler,),
                       context=multiprocessing.get_context("spawn"))
    try:
        pool.schedule(_check_worker).result(timeout=_START_SECONDS)
        waiting = iter(tasks)
        running: dict[futures.Future, Any] = {}
        while True:
            # Few tasks at once, so that the pool ends quickly.
            for task in itertools.islice(waiting, 2 * processes - len(running)):
                running[pool.schedule(_handle, (task,), timeout=time_limit)] = task
            if not running:
                return
            for future in futures.wait(running, return_when=futures.FIRST_COMPLETED).done:
                yield running.pop(future), _result(future, time_limit)
    except futures.TimeoutError:
        raise StartError(f"not ready after {_START_SECONDS} seconds") from None
    except RuntimeError:  # A BrokenProcessPool, or `schedule` after one.
        raise StartError("a worker process crashed while it started") from None
    finally:
        pool.stop()
        # A process that still starts prints a traceback when the pool closes its pipes. The pool's thread,
        # which replaces crashed processes, looks every 0.1 seconds whether it shall end.
        time.sleep(0.3)
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        pool.join()


def _result(future: futures.Future, time_limit: float) -> Any:
    try:
        return future.result()
    except ProcessExpired as error:
        if error.exitcode >= 0:
            return Failure(f"its process ended with status {error.exitcode}")
        return Failure(f"its process crashed ({signal.Signals(-error.exitcode).name})")
    except futures.TimeoutError:
        return Failure(f"not done after {time_limit:g} seconds")


def _start_worker(make_handler):
    # Pebble's own handler of SIGTERM waits until C code returns.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # What C libraries write to stderr is part of the reason that the user sees.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        _worker["handler"] = make_handler()
    except Exception as error:
        _worker["problem"] = f"{type(error).__name__}: {error}"


def _check_worker():
    if "problem" in _worker:
        raise StartError(_worker["problem"])


def _handle(task):
    _check_worker()
    try:
        return _worker["handler"](task)
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}", error)
