"""Measurements in fresh processes."""

import json
import subprocess
import sys


def work(module, **task):
    """What a worker module of this package answers to a task.

    Args:
        module: its name, such as `data_worker`; it reads the task from standard input and prints one line.
        **task: what JSON can hold.
    """
    process = subprocess.run([sys.executable, "-m", f"benchmarks.{module}"], input=json.dumps(task),
                             text=True, stdout=subprocess.PIPE, check=True)
    return json.loads(process.stdout.splitlines()[-1])
