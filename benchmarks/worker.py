"""Measurements in fresh processes, which have their cores, their memory and their first requests alone."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_CHECKOUT = Path(__file__).resolve().parent.parent


def measure_in_process(module: str, function: str, cores: Sequence[int] | None = None,
                       **arguments: Any) -> Any:
    """Call a function of this package in a fresh process.

    Args:
        module: name of a module of this package.
        function: name of the function.
        cores: numbers of the cores to which the process is bound (Linux only); those of this process when
            None.
        **arguments: arguments of the function; they and its result can be written as JSON.

    Returns:
        The result of the function.

    Raises:
        subprocess.CalledProcessError: the process failed; its error is on stderr.
    """
    task = {"module": module, "function": function, "cores": cores and list(cores), "arguments": arguments}
    paths = [str(_CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker"], input=json.dumps(task), text=True, check=True,
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    return json.loads(process.stdout.splitlines()[-1])


def _main():
    task = json.load(sys.stdin)
    if task["cores"] is not None:
        # TensorFlow counts the cores when it is imported, hence the late import below.
        os.sched_setaffinity(0, task["cores"])
    from eig_tf.cli import command
    command.silence_startup()
    module = importlib.import_module(f"benchmarks.{task['module']}")
    print(json.dumps(getattr(module, task["function"])(**task["arguments"])))


if __name__ == "__main__":
    try:
        _main()
    except KeyboardInterrupt:
        sys.exit(130)  # The parent process prints the message.
