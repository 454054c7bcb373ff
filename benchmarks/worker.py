"""Measurements in fresh processes, which have their cores, their memory and their first requests alone."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

_CHECKOUT = Path(__file__).resolve().parent.parent
_COMMAND = (sys.executable, "-m", "benchmarks.worker")
# What begins a line with a result of a measurement that is repeated.
_RESULT = "result: "


def measure_in_process(module: str, function: str, cores: Sequence[int] | None = None,
                       timeout: float | None = None, **arguments: Any) -> Any:
    """Call a function of this package in a fresh process.

    Args:
        module: name of a module of this package.
        function: name of the function.
        cores: numbers of the cores to which the process is bound (Linux only); those of this process when
            None.
        timeout: seconds after which the process is ended; None for no limit.
        **arguments: arguments of the function; they and its result can be written as JSON.

    Returns:
        The result of the function.

    Raises:
        subprocess.CalledProcessError: the process failed; its error is on stderr.
        subprocess.TimeoutExpired: the process took longer than `timeout`.
    """
    task = {"module": module, "function": function, "cores": cores and list(cores), "arguments": arguments}
    process = subprocess.run(_COMMAND, input=json.dumps(task), text=True, check=True, stdout=subprocess.PIPE,
                             env=_environment({}), timeout=timeout)
    return json.loads(process.stdout.splitlines()[-1])


class RepeatedMeasurement:
    """A fresh process that prepares a measurement once and makes it whenever it is asked to.

    Args:
        module: name of a module of this package.
        function: name of a function that returns another one, without arguments, whose results can be
            written as JSON.
        environment: variables of the process besides those of this one.
        **arguments: see `measure_in_process`.
    """

    def __init__(self, module: str, function: str, environment: Mapping[str, str] = MappingProxyType({}),
                 **arguments: Any) -> None:
        self._process = subprocess.Popen(_COMMAND, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         env=_environment(environment))
        self._write(json.dumps({"module": module, "function": function, "cores": None, "repeated": True,
                                "arguments": arguments}))

    def start(self) -> None:
        """Ask for a measurement, which begins when all earlier ones are done."""
        self._write("")

    def result(self) -> Any:
        """Return the result of the earliest measurement that was asked for; raise an OSError if it failed."""
        for line in self._process.stdout:
            if line.startswith(_RESULT):
                return json.loads(line[len(_RESULT):])
        raise ChildProcessError(f"a process ended with status {self._process.wait()}; its error is above")

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _write(self, line):
        # A process that has ended says so when its result is read.
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self._process.stdin, flush=True)


def _environment(more):
    paths = [str(_CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


def _main():
    task = json.loads(sys.stdin.readline())
    if task["cores"] is not None:
        # TensorFlow counts the cores when it is imported, hence the late import below.
        os.sched_setaffinity(0, task["cores"])
    from eig_tf.cli import command
    command.silence_startup()
    module = importlib.import_module(f"benchmarks.{task['module']}")
    result = getattr(module, task["function"])(**task["arguments"])
    if not task.get("repeated"):
        print(json.dumps(result))
        return
    for _ in sys.stdin:
        print(_RESULT + json.dumps(result()), flush=True)


if __name__ == "__main__":
    try:
        _main()
    except KeyboardInterrupt:
        sys.exit(130)  # The parent process prints the message.
