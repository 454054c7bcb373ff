"""The plan of a sweep: its commands, and how long they take by steps that are measured.

    python -m eig_tf.sweeps.estimate < settings.json

is the process that measures; `print_plan` starts it.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from eig_tf import config as config_lib
from eig_tf import progress
from eig_tf.config import METHODS
from eig_tf.errors import UserError
from eig_tf.sweeps.attempts import run_commands, run_environment
from eig_tf.sweeps.execution import is_finished, ray_slots
from eig_tf.sweeps.spec import SweepRun, SweepSpec, check_data_directories
from eig_tf.sweeps.sweep_directory import SweepDirectory

# Fields that do not change the time of a step.
_SAME_STEP = ("split", "seed", "data.class_set", "training.epochs")


def print_plan(spec: SweepSpec, sweep_dir: str | os.PathLike, *, data_root: str | os.PathLike,
               cache_dir: str | os.PathLike, cpus_per_run: float, gpus_per_run: float,
               address: str | None) -> None:
    """Print the commands of a sweep's runs that are not done yet, and an estimate of their time.

    The time of a run is that of runs in the sweep directory that differ only in split, seed and class set,
    and were finished in one attempt. If there are none, it is the number of steps times the time of a step,
    which a process measures on this machine; the last line says what that leaves out. Nothing is written to
    the sweep directory.

    Args:
        spec: see `eig_tf.sweeps.spec`; the other arguments are those of `execution.run_sweep`.

    Raises:
        UserError: see `execution.run_sweep`; or a training cannot be started.
    """
    check_data_directories(spec, data_root)
    directory = SweepDirectory(Path(sweep_dir).expanduser().absolute())
    directory.check(spec)
    root, cache = (Path(path).expanduser().absolute() for path in (data_root, cache_dir))
    finished = [run for run in spec.runs if is_finished(run, spec, directory)]
    pending = [run for run in spec.runs if run not in finished]
    for run in pending:
        print(run.name)
        for command in run_commands(run, spec, directory, root, cache).values():
            print(f"  {shlex.join(command)}")
    with ray_slots(address, cpus_per_run, gpus_per_run) as slots:
        pass
    measured: dict[str, list[float]] = {}
    for run in finished:
        status = directory.load_status(run.name)
        # The time of an attempt that was killed is not known.
        if status.seconds and status.attempts == 1:
            measured.setdefault(_kind(run), []).append(status.seconds / run.config["training"]["epochs"])
    unknown = list({_kind(run): run for run in pending if _kind(run) not in measured}.values())
    for run, (steps, seconds) in zip(unknown, _measure(unknown, root, cache, cpus_per_run, gpus_per_run)):
        print(f"{run.label}, {run.method}: {seconds * 1e3:.1f} ms for each of {steps} steps of an epoch",
              flush=True)
        measured[_kind(run)] = [steps * seconds]
    total = sum(statistics.mean(measured[_kind(run)]) * run.config["training"]["epochs"] for run in pending)
    side_by_side = max(1, min(slots, len(pending)))
    searches = any(METHODS[run.method].codes_per_category for run in unknown)
    not_measured = ["the start of each run", "evaluations", *["searches for categories"] * searches]
    print(f"{len(pending)} runs to do, {len(finished)} done; {side_by_side} side by side take about "
          f"{progress.format_seconds(total / side_by_side)}"
          f"{', without ' + ', '.join(not_measured) if unknown else ''}")


def _kind(run: SweepRun) -> str:
    known = config_lib.flatten(config_lib.config_from_dict(run.config))
    same = {name: value for name, value in known.items() if name not in _SAME_STEP}
    return json.dumps([run.data_dir, same])


def _measure(runs: list[SweepRun], root: Path, cache: Path, cpus: float,
             gpus: float) -> Iterator[tuple[int, float]]:
    """Yield the steps of an epoch and the seconds of a step of each run, measured by a process."""
    if not runs:
        return
    print(f"measures steps of {len(runs)} settings", flush=True)
    settings = [{"config": run.config, "cache_dir": str(cache),
                 "data_dir": run.data_dir and str(root / run.data_dir)} for run in runs]
    with subprocess.Popen(
            [sys.executable, "-m", "eig_tf.sweeps.estimate"], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=run_environment(cpus, None if gpus else "")) as process:
        json.dump(settings, process.stdin)
        process.stdin.close()
        for run in runs:
            line = "the process ended\n"
            # The training prints too.
            for line in process.stdout:
                if line.startswith('{"steps"'):
                    yield tuple(json.loads(line).values())
                    break
            else:
                raise UserError(f"{run.name} cannot be measured: {line.strip()}")


def main() -> None:
    """Measure the settings that stdin lists as JSON; print a line of JSON for each."""
    # TensorFlow takes seconds to import, which plans of finished runs need not wait for.
    from eig_tf.runs.step_timing import measure_step
    for settings in json.load(sys.stdin):
        config = config_lib.config_from_dict(settings.pop("config"))
        print(json.dumps(measure_step(config, **settings)._asdict()), flush=True)


if __name__ == "__main__":
    main()
