"""Work in processes of their own, where a crash or an endless loop costs one piece of it."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import time
from typing import Any, NamedTuple

_READY = "ready"
# Loading VTK from a cold disk, on a machine that does other things too.
_START_SECONDS = 120


class Failure(NamedTuple):
    """Why a piece of work has no result.

    Attributes:
        reason: for people.
        error: what was raised in the process; None when it ended or was ended.
    """

    reason: str
    error: Any = None


class StartError(Exception):
    """A process could not get ready to work; the text says why."""


def run(tasks, make_handler, processes, time_limit):
    """Handles tasks in several processes, each task by itself.

    Args:
        tasks: a sequence of what `handler` takes, as pickle can hold it.
        make_handler: called once in each process; returns the handler, a function from task to result.
            Importable by its name.
        processes: how many work at once, at most.
        time_limit: seconds a task may take.

    Yields:
        (task, result or `Failure`), in the order in which they end.

    Raises:
        StartError: `make_handler` raised or its process ended.
    """
    waiting = list(reversed(tasks))
    workers = []
    try:
        while waiting or workers:
            while waiting and len(workers) < processes:
                workers.append(_Worker(make_handler, waiting.pop(), time_limit))
            soonest = min(worker.deadline for worker in workers) - time.monotonic()
            ready = multiprocessing.connection.wait([worker.connection for worker in workers],
                                                    timeout=max(0, soonest))
            for worker in list(workers):
                outcome = worker.poll(worker.connection in ready)
                if outcome is None:
                    continue
                yield worker.task, outcome
                if waiting and worker.alive:
                    worker.give(waiting.pop())
                else:
                    worker.stop()
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """One process and the task that it has."""

    def __init__(self, make_handler, task, time_limit):
        # A fresh interpreter: graphics drivers do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make_handler), daemon=True)
        self._process.start()
        theirs.close()
        self.task, self._time_limit = task, time_limit
        self.alive, self._started = True, False
        self.deadline = time.monotonic() + _START_SECONDS

    def give(self, task):
        """Hands over the next task."""
        self.task, self.deadline = task, time.monotonic() + self._time_limit
        self.connection.send(task)

    def poll(self, has_news):
        """The result of the task, or a `Failure`; None while it goes on."""
        if not has_news:
            return None if time.monotonic() < self.deadline else self._ended("")
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return self._ended(_describe_exit(self._process.exitcode))
        if self._started:
            return message
        if message != _READY:
            raise StartError(message.reason)
        self._started = True
        self.give(self.task)
        return None

    def stop(self):
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _ended(self, reason):
        self.alive = False
        if not self._started:
            raise StartError(reason or f"not ready after {_START_SECONDS} seconds")
        return Failure(reason or f"not done after {self._time_limit:g} seconds")


def _describe_exit(code):
    if code >= 0:
        return f"its process ended with status {code}"
    return f"its process crashed ({signal.Signals(-code).name})"


def _serve(connection, make_handler):
    # Ctrl-C reaches the whole group; the parent alone decides what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # C libraries write to stderr what comes back to the user as the reason.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        handle = make_handler()
    except Exception as error:
        connection.send(_failure(error))
        return
    connection.send(_READY)
    while True:
        try:
            task = connection.recv()
        except EOFError:  # The parent is gone.
            return
        try:
            result = handle(task)
        except Exception as error:
            result = _failure(error)
        connection.send(result)


def _failure(error):
    return Failure(f"{type(error).__name__}: {error}", error)
