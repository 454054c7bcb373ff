"""A process that measures an input pipeline: only a process of its own has its cores and its memory alone.

    python -m benchmarks.data_worker < task.json

The task is the arguments of `rates` or `memory`, besides `measure`, the function's name, and `cores`, the
numbers of the cores to run on. What the function returns is printed as one line of JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

from ml_collections import config_dict


def rates(rows, steps, repeats):
    """Measures the pipelines of several presets in turn.

    Args:
        rows: for each a dict of `name`, `config` as a dict, and `path` and `shape` of its images.
        steps: batches in a row for each measurement.
        repeats: rounds of measurements.

    Returns:
        By name, the milliseconds that a batch takes (`ms`) and those of the processor that it costs, on all
        cores together (`cpu_ms`); each as median, min and max.
    """
    from benchmarks import parts, timing
    cpu_seconds = {row["name"]: [] for row in rows}

    def case(row):
        # tf.data takes a while to find how much to do at once; training has hours.
        clocked = parts.pipeline_case(_batches(**row), steps, row["name"], warm_up=steps)

        def measure():
            start = time.process_time()
            seconds = clocked.measure()
            cpu_seconds[row["name"]].append((time.process_time() - start) / (2 * steps))
            return seconds
        return clocked._replace(measure=measure)

    ms = timing.interleave([case(row) for row in rows], repeats)
    return {name: {"ms": ms[name], "cpu_ms": timing.summary(cpu_seconds[name][1:])} for name in ms}


def memory(row, steps):
    """Measures what a process that iterates over a pipeline holds in memory.

    Args:
        row: see `rates`.
        steps: how many batches it takes.

    Returns:
        `start` (all imported, nothing read) and `end`, each a dict of MiB: `resident`, `anonymous` (of
        that, what is in no file), `peak`.
    """
    import tensorflow  # noqa: F401  What it takes is not the data's.

    start = memory_mib()
    for _ in zip(range(steps), _batches(**row)):
        pass
    return {"start": start, "end": memory_mib()}


def _batches(config, path, shape, **_):
    from benchmarks import parts
    from eig_tf.data.stored_images import StoredImages
    from eig_tf.runs import environment
    # Training asks for determinism, which has a say in how tf.data runs.
    environment.set_seed(config["seed"])
    return parts.endless_batches(StoredImages(path, shape), config_dict.ConfigDict(config))


def memory_mib():
    """What this process holds now and held at most, in MiB; `memory` says which."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: round(int(fields[field].split()[0]) / 1024)  # "VmRSS:  1234 kB"
            for name, field in (("resident", "VmRSS"), ("anonymous", "RssAnon"), ("peak", "VmHWM"))}


def main():
    """Does the task on standard input."""
    task = json.load(sys.stdin)
    # TensorFlow counts the cores when it is imported, hence the late imports above.
    os.sched_setaffinity(0, task.pop("cores"))
    measure = {"rates": rates, "memory": memory}[task.pop("measure")]
    print(json.dumps(measure(**task)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # The command that started this process says so.
